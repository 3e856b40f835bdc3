import type { SourceValue } from '../../ports/source-connector.ts'
import { sourceText } from '../writing/source-text.ts'

/** Hashes held for all columns together: what bounds the memory of looking for a key. */
const MAX_HASHES = 3_000_000
const MAX_PAIRS = 28

/**
 * Which columns, or pairs of columns, name a row: no value twice, none missing. Exact up to hashes of 53 bits, over the
 * rows that it had room for.
 */
export class KeySearch {
  readonly #sets = new Map<string, Set<number>>()
  readonly #failed = new Set<string>()
  #hashes = 0
  /** Rows that uniqueness was looked at over. */
  rows = 0
  isFull = false

  /** `columns` are looked at one by one; `pairs` of them together. */
  constructor(candidates: readonly (readonly string[])[]) {
    for (const columns of candidates.slice(0, Math.max(candidates.length, MAX_PAIRS))) {
      this.#sets.set(JSON.stringify(columns), new Set())
    }
  }

  add(columns: readonly string[], values: readonly SourceValue[]): void {
    if (this.isFull) return
    this.rows += 1
    for (const [key, set] of this.#sets) {
      const texts = (JSON.parse(key) as string[]).map((column) => keyText(values[columns.indexOf(column)]))
      const hash = texts.includes(null) ? null : hash53(texts.join('\u001f'))
      if (hash === null || set.has(hash)) {
        this.#hashes -= set.size
        this.#sets.delete(key)
        this.#failed.add(key)
        continue
      }
      set.add(hash)
      this.#hashes += 1
    }
    if (this.#hashes > MAX_HASHES) this.isFull = true
  }

  /** In the order in which they were named. */
  found(): readonly (readonly string[])[] {
    return this.rows === 0 ? [] : [...this.#sets.keys()].map((key) => JSON.parse(key) as string[])
  }
}

/** Pairs of columns that might name a row together. */
export function pairsOf(columns: readonly string[]): readonly (readonly string[])[] {
  const pairs: (readonly string[])[] = []
  for (const [index, first] of columns.entries()) {
    for (const second of columns.slice(index + 1)) pairs.push([first, second])
  }
  return pairs.slice(0, MAX_PAIRS)
}

function keyText(value: SourceValue | undefined): string | null {
  if (value === undefined || value === null) return null
  const text = sourceText(value)
  return text === null || text === '' ? null : text
}

/** FNV-1a twice, 53 bits of both. */
function hash53(text: string): number {
  let a = 0x811c9dc5
  let b = 0xcbf29ce4
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b ^ ((unit + at) & 0xffff), 0x5bd1e995)
    b ^= b >>> 15
  }
  return (a >>> 0) * 0x200000 + ((b >>> 0) & 0x1fffff)
}
