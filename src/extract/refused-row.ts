import type { JsonValue } from '../domain/dead-letter.ts'
import type { SourceRow, SourceValue } from '../ports/source-connector.ts'

/**
 * A row that the wire schema could not hold, as bytes: the `raw` of its dead letter. It keeps all that is needed to
 * encode the row again by another version of the schema.
 */
export interface RefusedRow {
  readonly columns: readonly string[]
  readonly row: SourceRow
  readonly textual: boolean
}

export function packRefusedRow({ columns, row, textual }: RefusedRow): Uint8Array {
  const { at, op, values, timestampMs, partition, key, headers } = row
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
  const own = {
    timestampMs,
    partition,
    key: key === undefined || key === null ? key : base64(key),
    headers: headers?.map((header) => [header.key, base64(header.value)]),
  }
  return Buffer.from(JSON.stringify({ at, op, textual, columns, values: values.map(packValue), ...own }), 'utf8')
}

/** Null where the bytes are no packed row: they are a line of a file that no row could be made of. */
export function unpackRefusedRow(raw: Uint8Array): RefusedRow | null {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(raw).toString('utf8'))
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { at, op, textual, columns, values, ...own } = value as Record<string, unknown>
  if (typeof at !== 'string' || !isOp(op) || typeof textual !== 'boolean') return null
  if (!isTexts(columns) || !Array.isArray(values) || values.length !== columns.length) return null
  return { columns, textual, row: { at, op, values: values.map(unpackValue), ...unpackOwn(own) } }
}

/** What the record had of its own where it came from. */
function unpackOwn({
  timestampMs,
  partition,
  key,
  headers,
}: Record<string, unknown>): Pick<SourceRow, 'timestampMs' | 'partition' | 'key' | 'headers'> {
  const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'))
  return {
    ...(typeof timestampMs === 'number' ? { timestampMs } : {}),
    ...(typeof partition === 'number' ? { partition } : {}),
    ...(typeof key === 'string' ? { key: bytes(key) } : key === null ? { key } : {}),
    ...(Array.isArray(headers)
      ? { headers: (headers as [string, string][]).map(([name, value]) => ({ key: name, value: bytes(value) })) }
      : {}),
  }
}

/** The row as JSON, private values and all: mask it before anyone sees it. */
export function refusedRecord({ columns, row }: RefusedRow): JsonValue {
  return Object.fromEntries(columns.map((column, i) => [column, showValue(row.values[i] ?? null)]))
}

function showValue(value: SourceValue): JsonValue {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (isList(value)) return value.map(showValue)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, showValue(each)]))
}

/** Plain JSON where it is exact; else a list of one word and a text. A list that the source sent stands in `["list", …]`. */
function packValue(value: SourceValue): JsonValue {
  if (typeof value === 'bigint') return ['bigint', value.toString()]
  if (value instanceof Date) return ['date', value.getTime()]
  if (value instanceof Uint8Array) return ['bytes', Buffer.from(value).toString('base64')]
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)))
    return ['number', Object.is(value, -0) ? '-0' : String(value)]
  if (typeof value !== 'object' || value === null) return value
  if (isList(value)) return ['list', ...value.map(packValue)]
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, packValue(each)]))
}

function unpackValue(value: unknown): SourceValue {
  if (Array.isArray(value)) {
    const [word, first] = value as unknown[]
    if (word === 'bigint') return BigInt(String(first))
    if (word === 'date') return new Date(Number(first))
    if (word === 'bytes') return new Uint8Array(Buffer.from(String(first), 'base64'))
    if (word === 'number') return Number(first)
    return value.slice(1).map(unpackValue)
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, unpackValue(each)]))
  }
  return value as SourceValue
}

function isList(value: SourceValue): value is readonly SourceValue[] {
  return Array.isArray(value)
}

function isOp(value: unknown): value is SourceRow['op'] {
  return value === 'c' || value === 'u' || value === 'd' || value === 'r'
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}
