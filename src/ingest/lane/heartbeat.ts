import type { Membership } from '../../ports/assignment.ts'

/** Well inside the time after which a silent member loses its leases, and seldom enough to cost nothing. */
const HEARTBEAT_MS = 5_000

/** What the membership held at its last renewal; null before the first. */
export type HeldLeases = () => ReadonlySet<string> | null

/**
 * Runs `work` and renews the membership's leases meanwhile. A renewal may also give a lease to a member that has less,
 * which `work` sees through `held`. One that fails is left to the next: a lease that is lost costs double work, never
 * data.
 */
export async function withHeartbeat<T>(membership: Membership, work: (held: HeldLeases) => Promise<T>): Promise<T> {
  let held: ReadonlySet<string> | null = null
  const timer = setInterval(() => {
    membership.poll().then(
      (now) => {
        held = now
      },
      () => undefined,
    )
  }, HEARTBEAT_MS)
  try {
    return await work(() => held)
  } finally {
    clearInterval(timer)
  }
}
