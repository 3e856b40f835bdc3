import { between, drawOf } from './draw.ts'
import { MAX_DELAY_DAYS, dayOf } from './shop-event.ts'
import type { ShopEvent, ShopFacts } from './shop-event.ts'

type Delivery = Pick<ShopEvent, 'deliveredDay' | 'repeatedDay'>

/** When the source hands out what happened to a key: on its day, or late; and whether it does so twice, then or a day later. */
export function deliveryOf(facts: ShopFacts, key: string, timeMs: number): Delivery {
  const draw = drawOf(facts.seed, 'delivery', key, timeMs)
  const late = draw() < facts.lateRate ? between(draw, 1, MAX_DELAY_DAYS - 1) : 0
  const deliveredDay = dayOf(facts, timeMs) + late
  const repeatedDay = draw() < facts.duplicateRate ? deliveredDay + between(draw, 0, 1) : null
  return { deliveredDay, repeatedDay }
}

export function deliver(facts: ShopFacts, event: Omit<ShopEvent, keyof Delivery>): ShopEvent {
  return { ...event, ...deliveryOf(facts, event.key, event.timeMs) }
}

export function comesOn({ deliveredDay, repeatedDay }: Delivery, day: number): boolean {
  return deliveredDay === day || repeatedDay === day
}

/** Which deliveries are wanted: `day` null means all. Told by its time alone, most of what does not come on the day is passed over. */
export function mayComeOn(facts: ShopFacts, timeMs: number, day: number | null): boolean {
  if (day === null) return true
  const happened = dayOf(facts, timeMs)
  return happened <= day && day <= happened + MAX_DELAY_DAYS
}
