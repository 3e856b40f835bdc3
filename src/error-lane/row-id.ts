import { hash } from 'node:crypto'

import type { LogCoordinate, SourceCoordinate } from '../domain/dead-letter.ts'

/**
 * The identity of a refused record: 32 hex digits of a SHA-256 over its birthplace. The same record refused twice has
 * the same id, so counts are of distinct ids and a redrive is idempotent. Parts are joined as a JSON array, so no two
 * birthplaces share a text. The form is stored in ledgers and must never change.
 */
export function rowIdOfLog(place: LogCoordinate): string {
  if (lastPlace === null || !isNeighbour(place, lastPlace)) {
    const { topic, partition, epoch } = place
    lastHead = `${JSON.stringify(['log', topic, partition, epoch]).slice(0, -1)},"`
    lastPlace = { topic, partition, epoch }
  }
  return digestOf(`${lastHead}${place.offset}"]`)
}

/** What the ids of one partition's records are made from, but for the offset. */
let lastPlace: Omit<LogCoordinate, 'offset'> | null = null
let lastHead = ''

function isNeighbour(a: LogCoordinate, b: Omit<LogCoordinate, 'offset'>): boolean {
  return a.topic === b.topic && a.partition === b.partition && a.epoch === b.epoch
}

export function rowIdOfSource({ source, object, at }: SourceCoordinate): string {
  return digest(['source', source, object, at])
}

/** A row that a gate refused: table, key, rule and the versions of the inputs that it was made from. */
export function rowIdOfGate(parts: {
  readonly table: string
  readonly key: readonly string[]
  readonly rule: string
  readonly inputVersions: readonly string[]
}): string {
  return digest(['gate', parts.table, parts.key, parts.rule, parts.inputVersions])
}

const FORM = /^[0-9a-f]{32}$/
const WORDS = 4

/**
 * Row ids, for counting distinct ones where there are millions: 32 to 64 bytes each, where texts in a Set take some
 * hundred. A text that has not the form of an id is held as it is.
 */
export class RowIdSet {
  readonly #others = new Set<string>()
  /** Four words a place; a place of zeros is free. */
  #places = new Uint32Array(WORDS * 1024)
  #held = 0

  get size(): number {
    return this.#held + this.#others.size
  }

  /** Whether it was not there before. */
  add(id: string): boolean {
    const words = wordsOf(id)
    if (words === null) {
      const before = this.#others.size
      return this.#others.add(id).size > before
    }
    const at = find(this.#places, words)
    if (isTaken(this.#places, at)) return false
    this.#places.set(words, at)
    this.#held += 1
    if (this.#held * WORDS * 2 > this.#places.length) this.#grow()
    return true
  }

  has(id: string): boolean {
    const words = wordsOf(id)
    if (words === null) return this.#others.has(id)
    return isTaken(this.#places, find(this.#places, words))
  }

  #grow(): void {
    const places = new Uint32Array(this.#places.length * 2)
    for (let at = 0; at < this.#places.length; at += WORDS) {
      if (!isTaken(this.#places, at)) continue
      const words = this.#places.subarray(at, at + WORDS)
      places.set(words, find(places, words))
    }
    this.#places = places
  }
}

/** Null for a text of another form, and for the id that looks like a free place. */
function wordsOf(id: string): Uint32Array | null {
  if (!FORM.test(id)) return null
  const words = Uint32Array.from({ length: WORDS }, (_, i) => Number.parseInt(id.slice(i * 8, i * 8 + 8), 16))
  return isTaken(words, 0) ? words : null
}

function isTaken(places: Uint32Array, at: number): boolean {
  return (places[at]! | places[at + 1]! | places[at + 2]! | places[at + 3]!) !== 0
}

/** Where these words stand, or the free place where they would. */
function find(places: Uint32Array, words: Uint32Array): number {
  const [a, b, c, d] = words as unknown as readonly [number, number, number, number]
  const mixed = Math.imul(
    a ^ Math.imul(b, 0x9e3779b1) ^ Math.imul(c, 0x85ebca6b) ^ Math.imul(d, 0xc2b2ae35),
    0x27d4eb2f,
  )
  const mask = places.length / WORDS - 1
  for (let place = (mixed ^ (mixed >>> 15)) & mask; ; place = (place + 1) & mask) {
    const at = place * WORDS
    const [w, x, y, z] = [places[at], places[at + 1], places[at + 2], places[at + 3]]
    if (w === a && x === b && y === c && z === d) return at
    if (!isTaken(places, at)) return at
  }
}

function digest(parts: readonly unknown[]): string {
  return digestOf(JSON.stringify(parts))
}

function digestOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32)
}
