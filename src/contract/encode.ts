import { fieldHasPii, hasPii, type Contract } from '../domain/contract.ts'
import type { RuleBreach } from '../domain/dead-letter.ts'
import type { RegisteredSchema } from '../ports/schema-registry.ts'
import type { SourceValue } from '../ports/source-connector.ts'
import { avroBodyWriter } from './avro/write/body-writer.ts'
import type { BodyWriter } from './writing/body-writer.ts'
import { jsonBodyWriter } from './json/write/body-writer.ts'
import { frameRecord } from './wire.ts'

export type Encoded =
  | { readonly kind: 'encoded'; readonly bytes: Uint8Array }
  /** The wire schema cannot hold the values; every field at fault is named. */
  | { readonly kind: 'refused'; readonly errors: readonly RuleBreach[] }

export interface Encoder {
  /** True where the schema tags a field as PII: what is refused must then be sealed. */
  readonly hasPii: boolean
  /**
   * Source values as one framed message. Only what the wire schema cannot hold is refused; rules travel on to the
   * consumer. `textual`: the source has text alone, so '' is null wherever the field admits null.
   */
  encode(columns: readonly string[], values: readonly SourceValue[], textual: boolean): Encoded
  /** Columns of the source that the wire schema has no field for: they do not travel, and the caller says so. */
  unknownColumns(columns: readonly string[]): readonly string[]
  /** The values of the key's columns as canonical text; null for a null value or one that the schema cannot hold. */
  keyTexts(
    keyColumns: readonly string[],
    columns: readonly string[],
    values: readonly SourceValue[],
  ): readonly (string | null)[]
}

/**
 * Throws CONTRACT_INVALID where the schema cannot be a wire schema. Messages quote no value of a field that the schema,
 * or one of `contracts` that judge the topic, hides.
 */
export function createEncoder(schema: RegisteredSchema, contracts: readonly Contract[] = []): Encoder {
  const isHidden = (field: string): boolean => contracts.some((contract) => hidesField(contract, field))
  const writer: BodyWriter =
    schema.format === 'avro' ? avroBodyWriter(schema, isHidden) : jsonBodyWriter(schema, isHidden)
  const indexesOf = columnIndexes(writer.fields)
  return {
    hasPii: writer.hasPii,
    encode(columns, values, textual) {
      const result = writer.write(indexesOf(columns), values, textual)
      return result.kind === 'written' ? { kind: 'encoded', bytes: frameRecord(schema.id, result.body) } : result
    },
    unknownColumns: (columns) => columns.filter((column) => !writer.fields.includes(column)),
    keyTexts: (keyColumns, columns, values) =>
      keyColumns.map((name) => {
        const at = columns.indexOf(name)
        return at < 0 ? null : writer.keyText(name, values[at] ?? null)
      }),
  }
}

/** What a contract with PII does not know may be what it hides. */
function hidesField(contract: Contract, name: string): boolean {
  if (!hasPii(contract)) return false
  const field = contract.fields.find((each) => each.column.name === name || each.aliases?.includes(name) === true)
  return field === undefined || fieldHasPii(field)
}

/** Key bytes from canonical texts: one column stands as its text, several as a JSON array. Null where all are null. */
export function encodeKey(texts: readonly (string | null)[]): Uint8Array | null {
  if (texts.every((text) => text === null)) return null
  return Buffer.from(texts.length === 1 ? texts[0]! : JSON.stringify(texts), 'utf8')
}

/** Where each field's value stands in a row of these columns, -1 where it does not; kept while the columns stay. */
function columnIndexes(fields: readonly string[]): (columns: readonly string[]) => readonly number[] {
  let last: readonly string[] | null = null
  let indexes: readonly number[] = []
  return (columns) => {
    if (columns !== last) {
      last = columns
      indexes = fields.map((field) => columns.indexOf(field))
    }
    return indexes
  }
}
