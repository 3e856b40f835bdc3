import type { Membership } from '../ports/assignment.ts'

/** Well inside the time after which a silent member loses its leases, and seldom enough to cost nothing. */
const HEARTBEAT_MS = 5_000

/**
 * Runs `work` and renews the membership's leases meanwhile. A renewal that fails is left to the next one: a lease that
 * is lost costs double work, never data.
 */
export async function withHeartbeat<T>(membership: Membership, work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => {
    membership.poll().catch(() => undefined)
  }, HEARTBEAT_MS)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}
