import { FAULTS } from './faults.ts'
import type { Fault } from './faults.ts'
import { behaviorOn } from './shop/behavior.ts'
import { customersOn } from './shop/customers.ts'
import { drawOf, pick, shuffled } from './shop/draw.ts'
import { ratesOn } from './shop/fx-rates.ts'
import { ordersOn } from './shop/orders.ts'
import { productsOn } from './shop/products.ts'
import type { ShopEvent, ShopFacts, Stream } from './shop/shop-event.ts'
import type { SimulatorOptions } from './simulator-options.ts'

/** A row as the source hands it out. */
export interface Delivery {
  readonly event: ShopEvent
  /** Unique in the source. */
  readonly at: string
  /** How it was broken on the way; null for a good one. */
  readonly fault: Fault | null
}

export const EVENTS_ON: Readonly<Record<Stream, (facts: ShopFacts, day: number) => readonly ShopEvent[]>> = {
  customers: customersOn,
  products: productsOn,
  orders: ordersOn,
  behavior: behaviorOn,
  fx_rates: ratesOn,
}

/** Everything that a stream hands out on a day, in no order of time. Broken rows come beside good ones, never instead. */
export function deliveriesOn({ stream, facts, badRate }: SimulatorOptions, day: number): readonly Delivery[] {
  const deliveries: Delivery[] = []
  for (const event of EVENTS_ON[stream](facts, day)) {
    const at = `${event.key} ${new Date(event.timeMs).toISOString()}`
    if (event.deliveredDay === day) {
      deliveries.push({ event, at, fault: null })
      const draw = drawOf(facts.seed, 'fault', stream, at)
      if (draw() < badRate && !event.isTombstone) {
        deliveries.push({ event, at: `${at} broken`, fault: pick(draw, FAULTS[stream]) })
      }
    }
    if (event.repeatedDay === day) deliveries.push({ event, at: `${at} again`, fault: null })
  }
  return shuffled(drawOf(facts.seed, 'order of', stream, day), deliveries)
}
