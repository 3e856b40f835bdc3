/** The reason of an abort that a signal caused. */
export class Interruption extends Error {
  readonly signal: 'SIGINT' | 'SIGTERM'

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`stopped by ${signal}`)
    this.name = 'Interruption'
    this.signal = signal
  }

  get exitCode(): 130 | 143 {
    return this.signal === 'SIGINT' ? 130 : 143
  }
}

/** The interruption that an error comes from, or null. */
export function interruptionOf(error: unknown, signal: AbortSignal): Interruption | null {
  if (!signal.aborted || !(signal.reason instanceof Interruption)) return null
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    if (at === signal.reason || at.name === 'AbortError') return signal.reason
  }
  return null
}
