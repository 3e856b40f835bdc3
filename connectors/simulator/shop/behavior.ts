import { customerId, pickerOf } from './customers.ts'
import type { PickCustomer } from './customers.ts'
import { comesOn, deliveryOf } from './delivery.ts'
import { between, drawOf, pick } from './draw.ts'
import { productCount, productId } from './products.ts'
import { DAY_MS, MAX_DELAY_DAYS, timeText } from './shop-event.ts'
import type { ShopEvent, ShopFacts } from './shop-event.ts'

/** What customers do on the site. */

export const EVENT_TYPES = ['page_view', 'search', 'add_to_cart', 'checkout'] as const

/** The events of a day, as many as it has new order lines. */
export function behaviorOf(facts: ShopFacts, day: number): readonly ShopEvent[] {
  return eventsOf(facts, day, { pickCustomer: pickerOf(facts), only: null })
}

interface Wanted {
  readonly pickCustomer: PickCustomer
  /** What the source hands out on this day; null for all. */
  readonly only: number | null
}

function eventsOf(facts: ShopFacts, day: number, { pickCustomer, only }: Wanted): readonly ShopEvent[] {
  const events: ShopEvent[] = []
  for (let index = 0; index < facts.rows; index += 1) {
    const draw = drawOf(facts.seed, 'behavior', day, index)
    const timeMs = facts.startMs + day * DAY_MS + between(draw, 6 * 3_600_000, 22 * 3_600_000 - 1)
    const eventType = pick(draw, EVENT_TYPES)
    const hex = Math.floor(draw() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0')
    const key = `e-${hex}-${day}-${index}`
    const delivery = deliveryOf(facts, key, timeMs)
    if (only !== null && !comesOn(delivery, only)) continue
    const row = {
      event_id: key,
      customer_id: customerId(pickCustomer(draw, day)),
      event_type: eventType,
      product_id: eventType === 'search' ? null : productId(Math.floor(draw() * productCount(facts, day))),
      session_id: `s-${hex}`,
      duration_ms: between(draw, 20, 180_000),
      event_time: timeText(timeMs),
    }
    events.push({ key, op: 'c', isTombstone: false, timeMs, row, ...delivery })
  }
  return events
}

/** What the source hands out on a day. */
export function behaviorOn(facts: ShopFacts, day: number): readonly ShopEvent[] {
  const events: ShopEvent[] = []
  const wanted = { pickCustomer: pickerOf(facts), only: day }
  for (let from = Math.max(0, day - MAX_DELAY_DAYS); from <= day; from += 1)
    events.push(...eventsOf(facts, from, wanted))
  return events
}
