/** The time that `build --as-of` asks for. */
export interface AsOfTime {
  /** The partition that the result goes to: the time's UTC date. */
  readonly date: string
  /** Microseconds since 1970 (UTC): what happened before it counts. */
  readonly beforeMicros: bigint
}

const DAY_MICROS = 86_400_000_000n

/** All of a UTC day. */
export function endOfDay(date: string): AsOfTime {
  return { date, beforeMicros: BigInt(Date.parse(`${date}T00:00:00Z`)) * 1000n + DAY_MICROS }
}

/** Up to a moment, it included. */
export function upTo(timeMs: number): AsOfTime {
  return { date: new Date(timeMs).toISOString().slice(0, 10), beforeMicros: BigInt(timeMs) * 1000n + 1n }
}

/** As a literal that every engine reads; times in queries have no zone and mean UTC. */
export function timestampSql(micros: bigint): string {
  const ms = micros >= 0n || micros % 1000n === 0n ? micros / 1000n : micros / 1000n - 1n
  const rest = String(micros - ms * 1000n).padStart(3, '0')
  const [day, time] = new Date(Number(ms)).toISOString().slice(0, -1).split('T')
  return `timestamp '${day} ${time}${rest}'`
}
