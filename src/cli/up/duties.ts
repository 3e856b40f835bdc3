import type { Membership } from '../../ports/assignment.ts'
import type { World } from '../../ports/world.ts'

const POLL_MS = 1_000

/**
 * Which of the named things fall to this process, shared with the other processes of the lake: a member that dies is
 * followed by another within the lease time. A courtesy: what two do at once harms nothing.
 */
export class Duties {
  readonly #world: Pick<World, 'assignment' | 'clock' | 'signal'>
  readonly #group: string
  readonly #names: readonly string[]
  #membership: Membership | null = null
  #held: ReadonlySet<string> = new Set()

  constructor(world: Pick<World, 'assignment' | 'clock' | 'signal'>, group: string, names: readonly string[]) {
    this.#world = world
    this.#group = group
    this.#names = names
  }

  holds(name: string): boolean {
    return this.#held.has(name)
  }

  /** Until the process is asked to end. While the leases cannot be asked for, all stays as it was. */
  async watch(): Promise<void> {
    const { assignment, clock, signal } = this.#world
    while (!signal.aborted) {
      try {
        this.#membership ??= await assignment.join(this.#group, this.#names)
        this.#held = await this.#membership.poll()
      } catch {
        // Asked again at the next turn; what the flow itself meets is told by the flow.
      }
      await clock.sleep(POLL_MS, signal).catch(() => undefined)
    }
  }

  /** A lease that cannot be given back runs out by itself. */
  async leave(): Promise<void> {
    await this.#membership?.leave().catch(() => undefined)
  }
}
