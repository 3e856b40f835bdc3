import { countryOf, customerId, pickerOf } from './customers.ts'
import type { PickCustomer } from './customers.ts'
import { comesOn, deliveryOf, mayComeOn } from './delivery.ts'
import { between, drawOf } from './draw.ts'
import { eurosPer } from './fx-rates.ts'
import { centsByDay, productCount, productId } from './products.ts'
import { DAY_MS, MAX_DELAY_DAYS, timeText } from './shop-event.ts'
import type { ShopEvent, ShopFacts, ShopRow } from './shop-event.ts'

/** Order lines, each with its order's data: placed, shipped, delivered, cancelled, returned; some corrected or purged. */

export const STATUSES = ['placed', 'shipped', 'delivered', 'cancelled', 'returned'] as const
type Status = (typeof STATUSES)[number]

/** Days from its order to the last thing that can happen to a line. */
const LIFE_DAYS = 6
const HOUR_MS = 3_600_000

interface Step {
  readonly timeMs: number
  readonly status?: Status
  readonly quantity?: number
  readonly gone?: 'row' | 'tombstone'
}

/** Cents of EUR, by product and day. */
type Prices = (product: number, day: number) => number

/** A product's history is told once for all days. */
function pricesTo(facts: ShopFacts, lastDay: number): Prices {
  const known = new Map<number, readonly number[]>()
  return (product, day) => {
    const cents = known.get(product) ?? centsByDay(facts, product, lastDay)
    known.set(product, cents)
    return cents[day]!
  }
}

/** All lines that were ordered on a day, with everything that ever happens to them, a line after the other. */
export function orderLinesOf(facts: ShopFacts, day: number): readonly (readonly ShopEvent[])[] {
  return linesOf(facts, day, { pickCustomer: pickerOf(facts), prices: pricesTo(facts, day), only: null })
}

interface Wanted {
  readonly pickCustomer: PickCustomer
  readonly prices: Prices
  /** What the source hands out on this day; null for all. */
  readonly only: number | null
}

function linesOf(facts: ShopFacts, day: number, wanted: Wanted): readonly (readonly ShopEvent[])[] {
  const lines: (readonly ShopEvent[])[] = []
  for (let order = 0; lines.length < facts.rows; order += 1) {
    const draw = drawOf(facts.seed, 'order', day, order)
    const customer = wanted.pickCustomer(draw, day)
    const placedMs = facts.startMs + day * DAY_MS + between(draw, 6 * HOUR_MS, 22 * HOUR_MS - 1)
    const steps = orderSteps(facts, draw, { day, placedMs })
    const count = Math.min(between(draw, 1, 4), facts.rows - lines.length)
    for (let line = 1; line <= count; line += 1) {
      const product = Math.floor(draw() * productCount(facts, day))
      lines.push(lineEvents(facts, { day, order, line, customer, product, placedMs, steps }, wanted))
    }
  }
  return lines
}

function orderSteps(
  facts: ShopFacts,
  draw: () => number,
  { day, placedMs }: { day: number; placedMs: number },
): Step[] {
  const on = (later: number): number =>
    facts.startMs + (day + later) * DAY_MS + between(draw, 6 * HOUR_MS, 22 * HOUR_MS - 1)
  const steps: Step[] = [{ timeMs: placedMs, status: 'placed' }]
  if (draw() < 0.05) return [...steps, { timeMs: on(1), status: 'cancelled' }]
  steps.push({ timeMs: on(1), status: 'shipped' })
  if (draw() < 0.9) steps.push({ timeMs: on(between(draw, 2, 4)), status: 'delivered' })
  if (draw() < 0.04) steps.push({ timeMs: on(5), status: 'returned' })
  return steps
}

interface LineHead {
  readonly day: number
  readonly order: number
  readonly line: number
  readonly customer: number
  readonly product: number
  readonly placedMs: number
  /** What happens to the whole order. */
  readonly steps: readonly Step[]
}

function lineEvents(facts: ShopFacts, head: LineHead, { prices, only }: Wanted): readonly ShopEvent[] {
  const { day, order, line, placedMs } = head
  const draw = drawOf(facts.seed, 'line', day, order, line)
  const on = (later: number): number =>
    facts.startMs + (day + later) * DAY_MS + between(draw, 22 * HOUR_MS, 24 * HOUR_MS - 1)
  const ordered = between(draw, 1, 9)
  const own: Step[] = []
  if (draw() < 0.04) own.push({ timeMs: on(between(draw, 0, 2)), quantity: between(draw, 1, 9) })
  if (draw() < 0.006) own.push({ timeMs: on(LIFE_DAYS), gone: draw() < 0.5 ? 'row' : 'tombstone' })
  const steps = own.length === 0 ? head.steps : [...head.steps, ...own].toSorted((a, b) => a.timeMs - b.timeMs)
  const key = `O${String(day).padStart(4, '0')}${String(order).padStart(6, '0')}-${line}`
  const events: ShopEvent[] = []
  let base: ShopRow | null = null
  let status: Status = 'placed'
  let quantity = ordered
  for (const step of steps) {
    status = step.status ?? status
    quantity = step.quantity ?? quantity
    if (!mayComeOn(facts, step.timeMs, only)) continue
    const delivery = deliveryOf(facts, key, step.timeMs)
    if (only !== null && !comesOn(delivery, only)) continue
    base ??= lineRow(facts, head, { key, cents: prices(head.product, day) })
    events.push({
      key,
      op: step.timeMs === placedMs ? 'c' : step.gone === undefined ? 'u' : 'd',
      isTombstone: step.gone === 'tombstone',
      timeMs: step.timeMs,
      row: { ...base, quantity, status, updated_at: timeText(step.timeMs) },
      ...delivery,
    })
  }
  return events
}

/** What stays the same of a line, whatever happens to it; the rest as null, in its place. */
function lineRow(facts: ShopFacts, head: LineHead, { key, cents }: { key: string; cents: number }): ShopRow {
  const { line, customer, product, placedMs } = head
  const { currency } = countryOf(facts, customer)
  return {
    order_line_id: key,
    order_id: key.slice(0, key.lastIndexOf('-')),
    line_number: line,
    customer_id: customerId(customer),
    product_id: productId(product),
    quantity: null,
    unit_price: (Math.max(1, Math.round(cents / eurosPer(currency))) / 100).toFixed(2),
    currency,
    status: null,
    ordered_at: timeText(placedMs),
    updated_at: null,
  }
}

/** What the source hands out on a day. */
export function ordersOn(facts: ShopFacts, day: number): readonly ShopEvent[] {
  const wanted = { pickCustomer: pickerOf(facts), prices: pricesTo(facts, day), only: day }
  const events: ShopEvent[] = []
  for (let from = Math.max(0, day - LIFE_DAYS - MAX_DELAY_DAYS); from <= day; from += 1) {
    for (const line of linesOf(facts, from, wanted)) events.push(...line)
  }
  return events
}
