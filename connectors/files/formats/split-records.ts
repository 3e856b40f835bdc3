import { isUtf8 } from 'node:buffer'

/** A record of a text file, or what stands where one should be. */
export type TextRecord =
  | {
      readonly kind: 'fields'
      /** 1-based line that the record begins on. */
      readonly line: number
      /** Lines passed once the record is. */
      readonly lines: number
      readonly fields: readonly string[]
      /** As it stands in the file, without its line end; a view that lasts until the next `push`. */
      readonly raw: Uint8Array
    }
  | {
      readonly kind: 'refused'
      readonly line: number
      readonly lines: number
      readonly why: string
      readonly raw: Uint8Array
    }

export interface SplitOptions {
  /** Between fields; null: a line is one field, and quotes mean nothing. */
  readonly delimiter: string | null
  readonly maxRecordBytes: number
}

export interface RecordSplitter {
  push(chunk: Uint8Array): TextRecord[]
  end(): TextRecord[]
}

const LF = 10
const CR = 13
const QUOTE = 34

/**
 * Splits UTF-8 text into records (RFC 4180: LF or CRLF, quoted fields may hold line ends, a quote inside is doubled).
 * What it gives depends on the bytes alone, never on how they were cut into chunks. Empty lines are no records; a
 * leading byte order mark is dropped.
 *
 * A line that no record can be made of is refused alone, and reading goes on at the next line: also where a quote is
 * never closed, so that one stray quote costs one line and not the rest of the file. Holds at most `maxRecordBytes`
 * and one chunk; of a longer line the first `maxRecordBytes` are kept.
 */
export function createRecordSplitter({ delimiter, maxRecordBytes }: SplitOptions): RecordSplitter {
  let held: Buffer = Buffer.alloc(0)
  let line = 1
  let began = false
  /** Inside a line that was refused as too long. */
  let skipping = false
  const comma = delimiter === null ? -1 : delimiter.charCodeAt(0)

  function split(buffer: Buffer, ended: boolean): TextRecord[] {
    const out: TextRecord[] = []
    let at = 0
    const keep = (): TextRecord[] => {
      held = Buffer.from(buffer.subarray(at))
      return out
    }
    if (!began) {
      if (buffer.length < 3 && !ended) return keep()
      began = true
      if (buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf) at = 3
    }
    const clean = isUtf8(buffer)
    let quoteAt = -2
    while (at < buffer.length) {
      const found = buffer.indexOf(LF, at)
      const lineEnd = found < 0 ? buffer.length : found
      if (skipping) {
        if (found < 0) {
          at = buffer.length
          break
        }
        skipping = false
        line += 1
        at = found + 1
        continue
      }
      if (lineEnd - at > maxRecordBytes) {
        const why = `the line is longer than ${maxRecordBytes} bytes; the first ${maxRecordBytes} are kept`
        out.push({ kind: 'refused', line, lines: line, why, raw: buffer.subarray(at, at + maxRecordBytes) })
        skipping = true
        at += maxRecordBytes
        continue
      }
      if (found < 0 && !ended) return keep()
      const textEnd = lineEnd > at && buffer[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd
      if (quoteAt !== -1 && quoteAt < at) quoteAt = comma < 0 ? -1 : buffer.indexOf(QUOTE, at)
      if (textEnd === at) {
        // An empty line.
      } else if (quoteAt < 0 || quoteAt >= lineEnd) {
        const raw = buffer.subarray(at, textEnd)
        if (!clean && !isUtf8(raw)) out.push({ kind: 'refused', line, lines: line, why: NOT_UTF8, raw })
        else {
          const text = buffer.toString('utf8', at, textEnd)
          out.push({
            kind: 'fields',
            line,
            lines: line,
            fields: delimiter === null ? [text] : text.split(delimiter),
            raw,
          })
        }
      } else {
        const limit = Math.min(buffer.length, at + maxRecordBytes)
        const record = readQuoted(buffer, { start: at, limit, comma, ended: ended && limit === buffer.length })
        if (record.kind === 'more' && limit === buffer.length && !ended && buffer.length - at <= maxRecordBytes)
          return keep()
        if (record.kind === 'fields') {
          const raw = buffer.subarray(at, record.textEnd)
          const lines = line + record.newlines
          if (clean || isUtf8(raw)) out.push({ kind: 'fields', line, lines, fields: record.fields, raw })
          else out.push({ kind: 'refused', line, lines, why: NOT_UTF8, raw })
          line = lines + 1
          at = record.next
          continue
        }
        const why = record.kind === 'bad' ? record.why : 'a quote is never closed'
        out.push({ kind: 'refused', line, lines: line, why, raw: buffer.subarray(at, textEnd) })
      }
      line += 1
      at = lineEnd + 1
    }
    held = Buffer.alloc(0)
    return out
  }

  return {
    push: (chunk) => {
      const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      return split(held.length === 0 ? view : Buffer.concat([held, view]), false)
    },
    end: () => split(held, true),
  }
}

const NOT_UTF8 = 'the text is not UTF-8'

type QuotedRecord =
  | {
      readonly kind: 'fields'
      readonly fields: string[]
      /** Before the line end. */
      readonly textEnd: number
      readonly next: number
      /** Line ends inside the record. */
      readonly newlines: number
    }
  | { readonly kind: 'bad'; readonly why: string }
  /** The bytes up to `limit` do not tell. */
  | { readonly kind: 'more' }

interface QuotedSpan {
  readonly start: number
  readonly limit: number
  readonly comma: number
  /** Nothing comes after `limit`. */
  readonly ended: boolean
}

function readQuoted(buffer: Buffer, { start, limit, comma, ended }: QuotedSpan): QuotedRecord {
  const fields: string[] = []
  let newlines = 0
  let at = start
  for (;;) {
    if (at < limit && buffer[at] === QUOTE) {
      let doubled = false
      const first = at + 1
      at = first
      for (;;) {
        if (at >= limit) return { kind: 'more' }
        const byte = buffer[at]
        if (byte === LF) newlines += 1
        if (byte === QUOTE) {
          if (at + 1 >= limit && !ended) return { kind: 'more' }
          if (at + 1 >= limit || buffer[at + 1] !== QUOTE) break
          doubled = true
          at += 1
        }
        at += 1
      }
      const text = buffer.toString('utf8', first, at)
      fields.push(doubled ? text.replaceAll('""', '"') : text)
      at += 1
    } else {
      const first = at
      while (at < limit && buffer[at] !== comma && buffer[at] !== LF) {
        if (buffer[at] === QUOTE)
          return { kind: 'bad', why: 'a quote stands inside a field that does not begin with one' }
        at += 1
      }
      if (at >= limit && !ended) return { kind: 'more' }
      const atLineEnd = at >= limit || buffer[at] === LF
      fields.push(buffer.toString('utf8', first, atLineEnd && at > first && buffer[at - 1] === CR ? at - 1 : at))
    }
    // After a field: a delimiter, a line end, or the end.
    if (at >= limit)
      return ended
        ? { kind: 'fields', fields, textEnd: withoutCr(buffer, start, limit), next: limit, newlines }
        : { kind: 'more' }
    if (buffer[at] === comma) {
      at += 1
      continue
    }
    if (buffer[at] === LF)
      return { kind: 'fields', fields, textEnd: withoutCr(buffer, start, at), next: at + 1, newlines }
    if (buffer[at] === CR) {
      if (at + 1 >= limit && !ended) return { kind: 'more' }
      if (at + 1 >= limit || buffer[at + 1] === LF) {
        return { kind: 'fields', fields, textEnd: at, next: Math.min(at + 2, limit), newlines }
      }
    }
    return { kind: 'bad', why: 'text follows a closing quote' }
  }
}

function withoutCr(buffer: Buffer, start: number, end: number): number {
  return end > start && buffer[end - 1] === CR ? end - 1 : end
}
