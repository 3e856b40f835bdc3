import { comesOn, deliver } from './delivery.ts'
import { between, drawOf } from './draw.ts'
import { DAY_MS, MAX_DELAY_DAYS, dateText, timeText } from './shop-event.ts'
import type { ShopEvent, ShopFacts } from './shop-event.ts'

/** What one unit of a currency is worth in EUR: a rate a currency and working day, some corrected a day later. */

/** `since`: the first day with a rate; before it, amounts in this currency have none. */
const CURRENCIES: readonly { readonly currency: string; readonly euros: number; readonly since: number }[] = [
  { currency: 'EUR', euros: 1, since: 0 },
  { currency: 'GBP', euros: 1.17, since: 0 },
  { currency: 'USD', euros: 0.92, since: 0 },
  { currency: 'SEK', euros: 0.088, since: 1 },
]

export function eurosPer(currency: string): number {
  return CURRENCIES.find((each) => each.currency === currency)?.euros ?? 1
}

const HOUR_MS = 3_600_000

/** The rates of one day, each with its correction. */
export function ratesOfDay(facts: ShopFacts, day: number): readonly ShopEvent[] {
  const dayMs = facts.startMs + day * DAY_MS
  const weekday = new Date(dayMs).getUTCDay()
  const events: ShopEvent[] = []
  for (const [place, { currency, euros, since }] of CURRENCIES.entries()) {
    if (day < since || ((weekday === 0 || weekday === 6) && day !== since)) continue
    const draw = drawOf(facts.seed, 'rate', currency, day)
    const rate = currency === 'EUR' ? 1 : euros * (1 + 0.04 * Math.sin(day / 9 + place) + 0.01 * (draw() - 0.5))
    const key = `${currency} ${dateText(dayMs)}`
    const publishedMs = dayMs + between(draw, HOUR_MS, 5 * HOUR_MS)
    const add = (op: 'c' | 'u', timeMs: number, value: number): void => {
      const row = { currency, rate_date: dateText(dayMs), rate: value.toFixed(8), published_at: timeText(timeMs) }
      events.push(deliver(facts, { key, op, isTombstone: false, timeMs, row }))
    }
    add('c', publishedMs, rate)
    if (currency !== 'EUR' && draw() < 0.12) add('u', publishedMs + DAY_MS, rate * (1 + 0.002 * (draw() - 0.5)))
  }
  return events
}

/** What the source hands out on a day. */
export function ratesOn(facts: ShopFacts, day: number): readonly ShopEvent[] {
  const events: ShopEvent[] = []
  for (let from = Math.max(0, day - MAX_DELAY_DAYS - 1); from <= day; from += 1) {
    for (const event of ratesOfDay(facts, from)) if (comesOn(event, day)) events.push(event)
  }
  return events
}
