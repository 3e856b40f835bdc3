import type { World } from '../../ports/world.ts'

/** A loop looks up at least this often, so that a pause, a nudge or a lease reaches it soon. */
export const LONGEST_NAP_MS = 500

/** Rests, but not long; ends at once when the process is asked to end. */
export async function nap({ clock, signal }: Pick<World, 'clock' | 'signal'>, ms: number): Promise<void> {
  await clock.sleep(Math.max(10, Math.min(LONGEST_NAP_MS, ms)), signal).catch(() => undefined)
}
