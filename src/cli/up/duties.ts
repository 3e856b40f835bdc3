import type { Membership } from '../../ports/assignment.ts'
import type { World } from '../../ports/world.ts'

const POLL_MS = 1_000

/**
 * Which of the named things fall to this process, shared with the other processes of the lake: a member that dies is
 * followed by another within the lease time. A courtesy: what two do at once harms nothing.
 */
export class Duties {
  readonly #membership: Membership
  #held: ReadonlySet<string> = new Set()

  private constructor(membership: Membership) {
    this.#membership = membership
  }

  static async join(world: Pick<World, 'assignment'>, group: string, names: readonly string[]): Promise<Duties> {
    const duties = new Duties(await world.assignment.join(group, names))
    await duties.#look()
    return duties
  }

  holds(name: string): boolean {
    return this.#held.has(name)
  }

  /** While the leases cannot be asked for, all stays as it was. */
  async watch({ clock }: Pick<World, 'clock'>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look().catch(() => undefined)
      await clock.sleep(POLL_MS, signal).catch(() => undefined)
    }
  }

  async leave(): Promise<void> {
    await this.#membership.leave().catch(() => undefined)
  }

  async #look(): Promise<void> {
    this.#held = await this.#membership.poll()
  }
}
