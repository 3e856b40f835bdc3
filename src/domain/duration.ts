/** Durations as people write them: a number with its unit, `500ms`, `30s`, `1.5h`, `7d`. */

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const FORM = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)$/

export const DURATION_FORM = 'a number with its unit: ms, s, m, h or d'

/** Whole milliseconds; null where the text is no duration. */
export function parseDuration(text: string): number | null {
  const match = FORM.exec(text)
  if (match === null) return null
  const ms = Math.round(Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS])
  return Number.isSafeInteger(ms) ? ms : null
}

/** The shortest exact form: 90_000 is `90s`, 60_000 is `1m`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms !== 0 && ms % UNIT_MS[unit] === 0) return `${ms / UNIT_MS[unit]}${unit}`
  }
  return `${ms}ms`
}
