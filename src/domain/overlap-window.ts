import { hash } from 'node:crypto'

import { foreignState } from './watermark.ts'

/**
 * What was sent of the rows that are read again because a late commit may yet stand among them: for each its key and a
 * hash of all of it. Kept as entries of the source's state, one an append (`seen:<n>`), so that an append writes what it
 * brings and no more.
 */

const PREFIX = 'seen:'
/** 8 bytes of the key's hash, 8 of the row's. */
const ROW_BYTES = 16

export interface RowMark {
  readonly key: string
  readonly row: string
}

/** Of all values of a row as text; null is told apart from every text. */
export function markRow(key: readonly string[], values: readonly (string | null | Uint8Array)[]): RowMark {
  return { key: digest(key), row: digest(values) }
}

/** A segment of marks as one entry's value. */
export function packMarks(marks: readonly RowMark[]): string {
  return Buffer.from(marks.map(({ key, row }) => key + row).join(''), 'latin1').toString('base64')
}

export interface OverlapWindow {
  /** True where the row went out as it is; its segment is then still of use. */
  wasSent(mark: RowMark): boolean
  readonly isEmpty: boolean
  readonly rows: number
  /** The name of the next segment. */
  nextEntry(): string
  /**
   * Names of segments of which no row was met: they lie before the window now, or their rows have changed. Each once,
   * and of use only when all of the window was read again.
   */
  takeStale(): readonly string[]
}

/** Throws SOURCE_UNREADABLE for an entry of this name and another form. */
export function openWindow(source: string, entries: ReadonlyMap<string, string>): OverlapWindow {
  const segments = [...entries.keys()]
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => ({ name, number: Number(name.slice(PREFIX.length)), met: false }))
    .sort((a, b) => a.number - b.number)
  const sent = new Map<string, { readonly row: string; readonly segment: (typeof segments)[number] }>()
  for (const segment of segments) {
    const packed = Buffer.from(entries.get(segment.name)!, 'base64').toString('latin1')
    if (!Number.isSafeInteger(segment.number) || packed.length % ROW_BYTES !== 0)
      throw foreignState(source, segment.name)
    for (let at = 0; at < packed.length; at += ROW_BYTES) {
      // a later segment holds the later state of a key
      sent.set(packed.slice(at, at + 8), { row: packed.slice(at + 8, at + ROW_BYTES), segment })
    }
  }
  let next = (segments.at(-1)?.number ?? 0) + 1
  return {
    rows: sent.size,
    isEmpty: segments.length === 0,
    wasSent({ key, row }) {
      const known = sent.get(key)
      if (known === undefined || known.row !== row) return false
      known.segment.met = true
      return true
    },
    nextEntry: () => `${PREFIX}${next++}`,
    takeStale() {
      const stale = segments.filter(({ met }) => !met)
      for (const segment of stale) segment.met = true
      return stale.map(({ name }) => name)
    },
  }
}

/** The first 8 bytes of SHA-256, as 8 characters of latin1. */
function digest(values: readonly (string | null | Uint8Array)[]): string {
  let text = ''
  for (const value of values) {
    const part = value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value
    // lengths first, so that no two lists of values give one text
    text += part === null ? '-' : `${part.length}:${part}`
  }
  return Buffer.from(hash('sha256', text, 'hex').slice(0, 16), 'hex').toString('latin1')
}
