import { comesOn, deliver } from './delivery.ts'
import { between, drawOf, pick } from './draw.ts'
import { DAY_MS, MAX_DELAY_DAYS, timeText } from './shop-event.ts'
import type { ShopEvent, ShopFacts } from './shop-event.ts'

/** Products change price and name. */

export const CATEGORIES = ['garden', 'kitchen', 'office', 'toys'] as const
const THINGS = ['Lamp', 'Kettle', 'Chair', 'Clock', 'Basket', 'Puzzle', 'Notebook', 'Planter', 'Mug', 'Kite']
const KINDS = ['Blue', 'Oak', 'Steel', 'Paper', 'Little', 'Folding', 'Classic', 'Nordic']

const HOUR_MS = 3_600_000

/** Products on sale by the end of the day. */
export function productCount({ rows }: ShopFacts, day: number): number {
  return Math.max(12, Math.ceil(rows / 20)) + Math.ceil(rows / 2000) * day
}

export function productId(index: number): string {
  return `P${String(index + 1).padStart(5, '0')}`
}

function launchDay(facts: ShopFacts, index: number): number {
  const first = productCount(facts, 0)
  return index < first ? 0 : 1 + Math.floor((index - first) / Math.ceil(facts.rows / 2000))
}

function changeOn(facts: ShopFacts, index: number, day: number): { what: 'price' | 'name'; timeMs: number } | null {
  const draw = drawOf(facts.seed, 'product', index, day)
  if (draw() >= 0.06 || day <= launchDay(facts, index)) return null
  const what = draw() < 0.8 ? 'price' : 'name'
  return { what, timeMs: facts.startMs + day * DAY_MS + between(draw, 0, 5 * HOUR_MS) }
}

interface Product {
  name: string
  cents: number
}

function launched({ seed }: ShopFacts, index: number): Product & { readonly category: string } {
  const draw = drawOf(seed, 'launch', index)
  return {
    name: `${pick(draw, KINDS)} ${pick(draw, THINGS)}`,
    cents: between(draw, 199, 19_999),
    category: pick(draw, CATEGORIES),
  }
}

function applyChange(
  facts: ShopFacts,
  product: Product,
  { what, index, day }: { what: 'price' | 'name'; index: number; day: number },
): void {
  const draw = drawOf(facts.seed, 'product change', index, day)
  if (what === 'price') product.cents = Math.max(99, Math.round(product.cents * (0.85 + draw() * 0.35)))
  else product.name = `${pick(draw, KINDS)} ${pick(draw, THINGS)} ${day}`
}

/** What a product costs during the opening hours of each day to the last, in cents of EUR. */
export function centsByDay(facts: ShopFacts, index: number, lastDay: number): readonly number[] {
  const product = launched(facts, index)
  const launch = launchDay(facts, index)
  const cents: number[] = []
  for (let day = 0; day <= lastDay; day += 1) {
    const changed = day > launch ? changeOn(facts, index, day) : null
    if (changed !== null) applyChange(facts, product, { what: changed.what, index, day })
    cents.push(product.cents)
  }
  return cents
}

/** Everything that happened to one product by the end of the day, in order. */
export function productHistory(facts: ShopFacts, index: number, lastDay: number): readonly ShopEvent[] {
  const key = productId(index)
  const product = launched(facts, index)
  const events: ShopEvent[] = []
  const add = (op: 'c' | 'u', timeMs: number): void => {
    const row = {
      product_id: key,
      name: product.name,
      category: product.category,
      price: (product.cents / 100).toFixed(2),
      updated_at: timeText(timeMs),
    }
    events.push(deliver(facts, { key, op, isTombstone: false, timeMs, row }))
  }
  const launch = launchDay(facts, index)
  for (let day = launch; day <= lastDay; day += 1) {
    if (day === launch)
      add('c', facts.startMs + day * DAY_MS + between(drawOf(facts.seed, 'launched', index), 0, HOUR_MS))
    const changed = changeOn(facts, index, day)
    if (changed === null) continue
    applyChange(facts, product, { what: changed.what, index, day })
    add('u', changed.timeMs)
  }
  return events
}

/** What the source hands out on a day. */
export function productsOn(facts: ShopFacts, day: number): readonly ShopEvent[] {
  const events: ShopEvent[] = []
  const count = productCount(facts, day)
  for (let index = 0; index < count; index += 1) {
    let may = false
    for (let on = Math.max(0, day - MAX_DELAY_DAYS); on <= day && !may; on += 1) {
      may = on === launchDay(facts, index) || changeOn(facts, index, on) !== null
    }
    if (!may) continue
    for (const event of productHistory(facts, index, day)) if (comesOn(event, day)) events.push(event)
  }
  return events
}
