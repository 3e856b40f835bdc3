import { comesOn, deliver } from './delivery.ts'
import { between, drawOf, pick } from './draw.ts'
import type { Draw } from './draw.ts'
import { DAY_MS, MAX_DELAY_DAYS, timeText } from './shop-event.ts'
import type { ShopEvent, ShopFacts } from './shop-event.ts'

/** Customers sign up, move, rename, change their email, leave, and sometimes come back. */

export interface Country {
  readonly name: string
  readonly currency: string
  readonly cities: readonly string[]
}

const COUNTRIES: readonly Country[] = [
  { name: 'Germany', currency: 'EUR', cities: ['Berlin', 'Hamburg', 'Köln', 'Leipzig', 'München'] },
  { name: 'France', currency: 'EUR', cities: ['Lille', 'Lyon', 'Nantes', 'Paris'] },
  { name: 'United Kingdom', currency: 'GBP', cities: ['Bristol', 'Leeds', 'London', 'York'] },
  { name: 'United States', currency: 'USD', cities: ['Austin', 'Boston', 'Denver', 'Seattle'] },
  { name: 'Sweden', currency: 'SEK', cities: ['Göteborg', 'Malmö', 'Stockholm'] },
]
export const SEGMENTS = ['consumer', 'business', 'vip'] as const
const FIRST = ['Ada', 'Bela', 'Chloé', 'Dario', 'Elif', 'Freya', 'Goran', 'Hana', 'Ines', 'Jonas', 'Kofi', 'Lena']
const LAST = ['Abel', 'Brandt', 'Costa', 'Dubois', "D'Arcy", 'Ek', 'Fischer', 'Green', 'Holm', 'Ito', 'Jensen', 'Kaya']

const HOUR_MS = 3_600_000

function firstCustomers({ rows }: ShopFacts): number {
  return Math.max(20, Math.ceil(rows / 10))
}

function newADay({ rows }: ShopFacts): number {
  return Math.max(1, Math.ceil(rows / 200))
}

/** Customers that have signed up by the end of the day. */
export function customerCount(facts: ShopFacts, day: number): number {
  return firstCustomers(facts) + newADay(facts) * day
}

export function customerId(index: number): string {
  return `C${String(index + 1).padStart(6, '0')}`
}

export function countryOf({ seed }: ShopFacts, index: number): Country {
  return pick(drawOf(seed, 'country', index), COUNTRIES)
}

function signupDay(facts: ShopFacts, index: number): number {
  const first = firstCustomers(facts)
  return index < first ? 0 : 1 + Math.floor((index - first) / newADay(facts))
}

interface Absence {
  /** Leaves at the end of this day; Infinity for never. */
  readonly leaves: number
  /** Is back at the beginning of this day; Infinity for never. */
  readonly returns: number
  readonly isTombstone: boolean
}

function absenceOf(facts: ShopFacts, index: number): Absence {
  const draw = drawOf(facts.seed, 'absence', index)
  if (draw() >= 0.15) return { leaves: Infinity, returns: Infinity, isTombstone: false }
  const leaves = signupDay(facts, index) + between(draw, 1, 20)
  const returns = draw() < 0.5 ? leaves + between(draw, 2, 4) : Infinity
  return { leaves, returns, isTombstone: draw() < 0.5 }
}

/** Whether the customer can shop on this day, between the hours at which customers sign up and leave. */
function isCustomer(
  facts: ShopFacts,
  index: number,
  day: number,
  { leaves, returns } = absenceOf(facts, index),
): boolean {
  return day >= signupDay(facts, index) && (day <= leaves || day >= returns)
}

/** Whom something of this day happens to. */
export type PickCustomer = (draw: Draw, day: number) => number

/** Each customer's absence is worked out once for all that happens. */
export function pickerOf(facts: ShopFacts): PickCustomer {
  const absences: (Absence | undefined)[] = []
  const mayShop = (index: number, day: number): boolean =>
    isCustomer(facts, index, day, (absences[index] ??= absenceOf(facts, index)))
  return (draw, day) => {
    const count = customerCount(facts, day)
    for (let tries = 0; tries < 20; tries += 1) {
      const index = Math.floor(draw() * count)
      if (mayShop(index, day)) return index
    }
    for (let index = 0; index < count; index += 1) if (mayShop(index, day)) return index
    return 0
  }
}

type Change = 'city' | 'name' | 'email'

function changeOn(facts: ShopFacts, index: number, day: number): { change: Change; timeMs: number } | null {
  const draw = drawOf(facts.seed, 'customer', index, day)
  if (draw() >= 0.03 || day <= signupDay(facts, index) || !isCustomer(facts, index, day)) return null
  const change = pick(draw, ['city', 'city', 'city', 'name', 'email'] as const)
  return { change, timeMs: facts.startMs + day * DAY_MS + between(draw, 5 * HOUR_MS, 22 * HOUR_MS) }
}

interface Person {
  readonly first: string
  last: string
  city: string
  mailbox: number
}

/** Everything that happened to one customer by the end of the day, in order. */
export function customerHistory(facts: ShopFacts, index: number, lastDay: number): readonly ShopEvent[] {
  const key = customerId(index)
  const draw = drawOf(facts.seed, 'person', index)
  const country = countryOf(facts, index)
  const person: Person = {
    first: pick(draw, FIRST),
    last: pick(draw, LAST),
    city: pick(draw, country.cities),
    mailbox: 0,
  }
  const segment = pick(draw, SEGMENTS)
  const signup = signupDay(facts, index)
  const signedUpMs = facts.startMs + signup * DAY_MS + between(draw, 0, 4 * HOUR_MS)
  const { leaves, returns, isTombstone } = absenceOf(facts, index)
  const events: ShopEvent[] = []
  const add = (op: ShopEvent['op'], timeMs: number, tombstone = false): void => {
    const row = {
      customer_id: key,
      name: `${person.first} ${person.last}`,
      email: `${person.first}.${person.last}${person.mailbox === 0 ? '' : person.mailbox}.${index + 1}@example.com`
        .normalize('NFD')
        .replace(/[^a-zA-Z0-9.@]/g, '')
        .toLowerCase(),
      city: person.city,
      country: country.name,
      segment,
      signed_up_at: timeText(signedUpMs),
      updated_at: timeText(timeMs),
    }
    events.push(deliver(facts, { key, op, isTombstone: tombstone, timeMs, row }))
  }
  for (let day = signup; day <= lastDay; day += 1) {
    if (day === signup) add('c', signedUpMs)
    if (day === returns) add('c', facts.startMs + day * DAY_MS + between(draw, 0, 4 * HOUR_MS))
    const changed = changeOn(facts, index, day)
    if (changed !== null) {
      applyChange(facts, person, { change: changed.change, index, day })
      add('u', changed.timeMs)
    }
    if (day === leaves)
      add(
        'd',
        facts.startMs + day * DAY_MS + 23 * HOUR_MS + between(drawOf(facts.seed, 'leaves', index), 0, HOUR_MS - 1),
        isTombstone,
      )
  }
  return events
}

function applyChange(
  facts: ShopFacts,
  person: Person,
  { change, index, day }: { change: Change; index: number; day: number },
): void {
  const draw = drawOf(facts.seed, 'change', index, day)
  if (change === 'city')
    person.city = pick(
      draw,
      countryOf(facts, index).cities.filter((city) => city !== person.city),
    )
  else if (change === 'name')
    person.last = pick(
      draw,
      LAST.filter((last) => last !== person.last),
    )
  else person.mailbox = day
}

/** What the source hands out on a day. */
export function customersOn(facts: ShopFacts, day: number): readonly ShopEvent[] {
  const events: ShopEvent[] = []
  const count = customerCount(facts, day)
  for (let index = 0; index < count; index += 1) {
    if (!mayDeliver(facts, index, day)) continue
    for (const event of customerHistory(facts, index, day)) if (comesOn(event, day)) events.push(event)
  }
  return events
}

/** Something happened on the day or so shortly before that it may come late: most customers are told apart by this. */
function mayDeliver(facts: ShopFacts, index: number, day: number): boolean {
  const { leaves, returns } = absenceOf(facts, index)
  for (let on = Math.max(0, day - MAX_DELAY_DAYS); on <= day; on += 1) {
    if (on === signupDay(facts, index) || on === leaves || on === returns) return true
    if (changeOn(facts, index, on) !== null) return true
  }
  return false
}
