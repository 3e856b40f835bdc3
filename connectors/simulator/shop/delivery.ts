import { between, drawOf } from './draw.ts'
import { MAX_DELAY_DAYS, dayOf } from './shop-event.ts'
import type { ShopEvent, ShopFacts } from './shop-event.ts'

/** When the source hands an event out: on its day, or late; and whether it does so twice, then or a day later. */
export function deliver(facts: ShopFacts, event: Omit<ShopEvent, 'deliveredDay' | 'repeatedDay'>): ShopEvent {
  const draw = drawOf(facts.seed, 'delivery', event.key, event.timeMs)
  const late = draw() < facts.lateRate ? between(draw, 1, MAX_DELAY_DAYS - 1) : 0
  const deliveredDay = dayOf(facts, event.timeMs) + late
  const repeatedDay = draw() < facts.duplicateRate ? deliveredDay + between(draw, 0, 1) : null
  return { ...event, deliveredDay, repeatedDay }
}

export function comesOn({ deliveredDay, repeatedDay }: ShopEvent, day: number): boolean {
  return deliveredDay === day || repeatedDay === day
}
