import { ofSource } from '../../../src/domain/source-error.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import type { SourceRow, SourceValue } from '../../../src/ports/source-connector.ts'
import type { DecodedValue, ValueDecoder } from '../../../src/ports/value-decoder.ts'
import { openEnvelope } from './debezium.ts'
import type { KafkaOptions } from '../kafka-options.ts'
import { isObject, type Said, type SourceObject } from './said.ts'
import { ownOf, placeOf, refuse, type OtherRecord, type TakeRecord } from './take-record.ts'

export interface TakeDecodedParts {
  readonly name: string
  readonly options: KafkaOptions
  readonly decoder: ValueDecoder
}

/**
 * Records whose values are read: their fields become columns, and travel under our own contract. Without a `key` of the
 * settings the record's key travels as it is. Throws SCHEMA_ID_UNKNOWN (I8): what it is a schema of would be lost.
 */
export function takeDecoded({ name, options, decoder }: TakeDecodedParts): TakeRecord {
  const columns = new ColumnLists()
  const decode = (bytes: Uint8Array): DecodedValue | Promise<DecodedValue> => {
    const decoded = decoder.decode(bytes)
    return decoded instanceof Promise ? ofSource(name, () => decoded) : decoded
  }

  return async (record) => {
    const said = await read(record)
    if (said.kind === 'refused') return refuse(record, said.why)
    const value = said.kind === 'row' ? said.value : await keyOf(record, said.value)
    if (value === null) return refuse(record, `neither its value nor its key tells ${options.key.join(', ')}`)
    const missing = options.key.find((column) => (value[column] ?? null) === null)
    if (missing !== undefined) return refuse(record, `it has no ${missing}, which is of its key`)
    return { kind: 'row', columns: columns.of(Object.keys(value)), row: toRow(record, said, Object.values(value)) }
  }

  async function read(record: OtherRecord): Promise<Said> {
    if (record.value === null) return { kind: 'gone', value: null }
    const decoded = await decode(record.value)
    if (decoded.kind === 'refused') return { kind: 'refused', why: `its value cannot be read: ${decoded.why}` }
    if (decoded.kind === 'unknown_schema') throw unknownSchema(name, record, decoded.id)
    // Connect's JSON of no value.
    if (decoded.value === null) return { kind: 'gone', value: null }
    if (!isObject(decoded.value)) return { kind: 'refused', why: 'its value is no object of fields' }
    if (options.envelope === 'debezium') return openEnvelope(decoded.value, options.envelopeColumns)
    return { kind: 'row', op: 'c', value: decoded.value }
  }

  /** The key's columns: of the row that was, else of the record's key. Null where neither tells them. */
  async function keyOf(record: OtherRecord, before: SourceObject | null): Promise<SourceObject | null> {
    const { key } = options
    if (key.length === 0) return {}
    const picked = pick(before, key)
    if (picked !== null || record.key === null) return picked
    const decoded = await decode(record.key)
    if (decoded.kind === 'unknown_schema') throw unknownSchema(name, record, decoded.id)
    if (decoded.kind === 'value' && isObject(decoded.value)) return pick(decoded.value, key)
    if (key.length > 1) return null
    // A key of one value need not be an object, nor framed.
    const alone = decoded.kind === 'value' ? decoded.value : Buffer.from(record.key).toString('utf8')
    return { [key[0]!]: alone }
  }

  function toRow(record: OtherRecord, said: Exclude<Said, { kind: 'refused' }>, values: SourceValue[]): SourceRow {
    const own = { ...ownOf(record), values, ...(options.key.length === 0 ? { key: record.key } : {}) }
    return said.kind === 'row' ? { ...own, op: said.op } : { ...own, op: 'd', payload: { kind: 'tombstone' } }
  }
}

function pick(value: SourceObject | null, columns: readonly string[]): SourceObject | null {
  if (value === null) return null
  const entries = columns.map((column) => [column, Object.hasOwn(value, column) ? value[column]! : null] as const)
  return entries.some(([, each]) => each === null) ? null : Object.fromEntries(entries)
}

function unknownSchema(name: string, record: OtherRecord, id: number): SluiceError {
  const { topic, partition, offset } = record
  return new SluiceError(
    'SCHEMA_ID_UNKNOWN',
    `source ${name}: ${topic}/${placeOf(record)} is written by schema ${id}, which the other side's registry does not have`,
    {
      where: { source: name, topic, partition, offset: offset.toString() },
      hint: `Check sources.${name}.registry_url, or register the schema there; copying stopped before the record.`,
    },
  )
}

/** One list for rows of the same columns, so that they stay in one batch. */
class ColumnLists {
  readonly #lists = new Map<string, readonly string[]>()

  of(names: readonly string[]): readonly string[] {
    const key = JSON.stringify(names)
    const known = this.#lists.get(key)
    if (known !== undefined) return known
    if (this.#lists.size >= 1000) this.#lists.clear()
    this.#lists.set(key, names)
    return names
  }
}
