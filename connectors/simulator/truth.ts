import type { Fault } from './faults.ts'
import { deliveriesOn } from './shop-day.ts'
import { behaviorOf } from './shop/behavior.ts'
import { customerCount, customerHistory } from './shop/customers.ts'
import { ratesOfDay } from './shop/fx-rates.ts'
import { orderLinesOf } from './shop/orders.ts'
import { productCount, productHistory } from './shop/products.ts'
import type { ShopEvent, ShopFacts, ShopRow, Stream } from './shop/shop-event.ts'
import type { SimulatorOptions } from './simulator-options.ts'

/**
 * What truly happened in the shop: the same histories that the source hands out, thing by thing and in order of time,
 * without the source's days, repeats and broken rows. For tests that work out by other means what tables must hold.
 */

/**
 * All that the source has told of each thing after so many days, by key and in order of time; of that, what had happened
 * before a time.
 */
export function knownAfter(
  stream: Stream,
  facts: ShopFacts,
  days: number,
  beforeMs = Infinity,
): ReadonlyMap<string, readonly ShopEvent[]> {
  const known = new Map<string, readonly ShopEvent[]>()
  for (const history of historiesOf(stream, facts, days - 1)) {
    const told = history
      .filter((event) => event.deliveredDay < days && event.timeMs < beforeMs)
      .toSorted((a, b) => a.timeMs - b.timeMs)
    if (told[0] !== undefined) known.set(told[0].key, [...(known.get(told[0].key) ?? []), ...told])
  }
  return known
}

/** What each thing is after so many days; what is gone is left out. */
export function standsAfter(
  stream: Stream,
  facts: ShopFacts,
  days: number,
  beforeMs = Infinity,
): ReadonlyMap<string, ShopRow> {
  const stands = new Map<string, ShopRow>()
  for (const [key, events] of knownAfter(stream, facts, days, beforeMs)) {
    const last = events.at(-1)!
    if (last.op !== 'd') stands.set(key, last.row)
  }
  return stands
}

export interface BrokenRow {
  readonly at: string
  readonly fault: Fault
}

/** The broken rows that the source has handed out after so many days, and what is wrong with each. */
export function brokenAfter(options: SimulatorOptions, days: number): readonly BrokenRow[] {
  const broken: BrokenRow[] = []
  for (let day = 0; day < days; day += 1) {
    for (const { at, fault } of deliveriesOn(options, day)) if (fault !== null) broken.push({ at, fault })
  }
  return broken
}

/** A list a thing, all that happened to it by the end of the day. */
function historiesOf(stream: Stream, facts: ShopFacts, lastDay: number): readonly (readonly ShopEvent[])[] {
  const everyDay = <T>(of: (day: number) => readonly T[]): readonly T[] =>
    Array.from({ length: lastDay + 1 }, (_, day) => of(day)).flat()
  const every = <T>(count: number, of: (index: number) => T): readonly T[] =>
    Array.from({ length: count }, (_, index) => of(index))
  switch (stream) {
    case 'customers':
      return every(customerCount(facts, lastDay), (index) => customerHistory(facts, index, lastDay))
    case 'products':
      return every(productCount(facts, lastDay), (index) => productHistory(facts, index, lastDay))
    case 'orders':
      return everyDay((day) => orderLinesOf(facts, day))
    case 'behavior':
      return everyDay((day) => behaviorOf(facts, day)).map((event) => [event])
    case 'fx_rates':
      // a correction is told apart from its rate: the same key, later
      return everyDay((day) => ratesOfDay(facts, day)).map((event) => [event])
  }
}
