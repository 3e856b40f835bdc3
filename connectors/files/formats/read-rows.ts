import { SluiceError } from '../../../src/domain/errors.ts'
import { parseExactJson, plainExact } from '../../../src/domain/exact-json.ts'
import { plainNames } from '../../../src/domain/plain-names.ts'
import type { SourceRefusal, SourceRow, SourceValue } from '../../../src/ports/source-connector.ts'
import type { TextRecord } from './split-records.ts'

/** What one record of a file comes to: a row with its columns, a refusal, or nothing (a header). */
export type FileRow =
  | { readonly kind: 'row'; readonly columns: readonly string[]; readonly row: SourceRow }
  | { readonly kind: 'refused'; readonly refusal: SourceRefusal }
  | { readonly kind: 'none' }

export type RowReader = (record: TextRecord) => FileRow

export interface RowPlace {
  readonly source: string
  readonly object: string
  readonly plainNames: boolean
}

/**
 * The first record names the columns; with plain names a column without one, or with the name of another, is given one.
 * Throws SOURCE_UNREADABLE for a header that cannot name them.
 */
export function csvRows(place: RowPlace): RowReader {
  let columns: readonly string[] | null = null
  return (record) => {
    if (columns === null) {
      const header = readHeader(place, record)
      columns = place.plainNames ? plainNames(header) : header
      return { kind: 'none' }
    }
    if (record.kind === 'refused') return refuse(record, record.why)
    const { fields, line } = record
    if (fields.length !== columns.length) {
      return refuse(record, `the line has ${count(fields.length, 'field')} and the header ${columns.length}`)
    }
    return { kind: 'row', columns, row: { values: fields, at: String(line), op: 'c' } }
  }
}

/** Every line is one JSON object; its keys are the columns. Numbers keep every digit. */
export function jsonRows(place: Pick<RowPlace, 'plainNames'>): RowReader {
  let keys: readonly string[] = []
  let last: readonly string[] = []
  return (record) => {
    if (record.kind === 'refused') return refuse(record, record.why)
    const text = record.fields[0]!
    if (text.trim() === '') return { kind: 'none' }
    const object = parseObject(text)
    if (object === null) return refuse(record, 'the line is no JSON object')
    const found = Object.keys(object)
    if (found.length !== keys.length || found.some((key, i) => key !== keys[i])) {
      keys = found
      last = place.plainNames ? plainNames(found) : found
    }
    return {
      kind: 'row',
      columns: last,
      row: { values: found.map((key) => object[key]!), at: String(record.line), op: 'c' },
    }
  }
}

function parseObject(text: string): Record<string, SourceValue> | null {
  let value: unknown
  try {
    const document = parseExactJson(text)
    value = document.plain ? document.value : plainExact(document.value)
  } catch {
    return null
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, SourceValue>)
    : null
}

function readHeader({ source, object, plainNames: isNamed }: RowPlace, record: TextRecord): readonly string[] {
  const stop = (why: string): SluiceError =>
    new SluiceError('SOURCE_UNREADABLE', `source ${source}: the header of ${object} cannot be used: ${why}`, {
      where: { source, file: object, line: record.line },
      hint: 'The first line must name every column once.',
    })
  if (record.kind === 'refused') throw stop(record.why)
  if (isNamed) return record.fields
  const seen = new Set<string>()
  record.fields.forEach((name, i) => {
    if (name.trim() === '') throw stop(`column ${i + 1} has no name`)
    if (seen.has(name)) throw stop(`column ${JSON.stringify(name)} is named twice`)
    seen.add(name)
  })
  return record.fields
}

function refuse(record: TextRecord, message: string): FileRow {
  return { kind: 'refused', refusal: { at: String(record.line), message, raw: Uint8Array.from(record.raw) } }
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
