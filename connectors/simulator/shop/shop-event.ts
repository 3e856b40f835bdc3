/** What the shop is made from: two shops of the same facts are the same shop. */
export interface ShopFacts {
  readonly seed: number
  /** New order lines a day; everything else scales with it. */
  readonly rows: number
  /** Midnight UTC of day 0. */
  readonly startMs: number
  /** Share of events that the source hands out some days late. */
  readonly lateRate: number
  /** Share of events that it hands out twice. */
  readonly duplicateRate: number
}

export const STREAMS = ['customers', 'products', 'orders', 'behavior', 'fx_rates'] as const
export type Stream = (typeof STREAMS)[number]

/** By column; dates and times in ISO 8601, amounts of money in decimal text. */
export type ShopRow = Readonly<Record<string, string | number | null>>

/** Something that truly happened in the shop. */
export interface ShopEvent {
  /** What it happened to: customer_id, product_id, order_line_id, event_id; of a rate `currency date`. */
  readonly key: string
  readonly op: 'c' | 'u' | 'd'
  /** A deletion that leaves nothing but the key. */
  readonly isTombstone: boolean
  readonly timeMs: number
  /** The whole row after it, by column; of a deletion, the row that went. */
  readonly row: ShopRow
  /** The day on which the source hands it out. */
  readonly deliveredDay: number
  /** The day on which it does so again, if it does: the same or the next. */
  readonly repeatedDay: number | null
}

export const DAY_MS = 86_400_000
/** From an event to the last time that the source hands it out. */
export const MAX_DELAY_DAYS = 4

export function timeText(ms: number): string {
  return new Date(ms).toISOString()
}

export function dateText(ms: number): string {
  return timeText(ms).slice(0, 10)
}

/** Days since the shop opened. */
export function dayOf({ startMs }: ShopFacts, timeMs: number): number {
  return Math.floor((timeMs - startMs) / DAY_MS)
}
