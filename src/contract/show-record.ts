import type { JsonValue } from '../domain/dead-letter.ts'
import type { RegisteredSchema } from '../ports/schema-registry.ts'
import { createAvroReader } from './avro/read/reader.ts'
import { createBuilder } from './columns/nested-builders.ts'
import { createJsonReader } from './json/read/reader.ts'
import { maskRecord } from './mask-record.ts'
import { parseContract } from './parse-contract.ts'
import { PrivateNames } from './privacy/private-names.ts'
import { RowState } from './reading/row-state.ts'
import { readSchemaId } from './wire.ts'

/** A framed value as a person may see it, decoded by its writer's schema; null where it cannot be decoded. */
export type ShowRecord = (writer: RegisteredSchema, value: Uint8Array) => JsonValue

/** PII is masked by what the contract tags and by what the writer's own schema tags. */
export function createRecordShow(contractSchema: RegisteredSchema): ShowRecord {
  const contract = parseContract(contractSchema)
  const options = {
    contract,
    mode: 'rescue',
    builders: contract.fields.map((field) => createBuilder(field.column.type)),
    row: new RowState('rescue'),
    evolved: [],
    rules: [],
    checks: [],
    privateNames: new PrivateNames(contract),
  } as const
  const reader = contract.format === 'avro' ? createAvroReader(options) : createJsonReader(options)
  return (writer, value) => {
    const wire = readSchemaId(value)
    if (wire === null) return null
    const record = reader.show(writer, { bytes: value, start: wire.bodyStart, end: value.length })
    return record === null || writer.id === contract.id
      ? record
      : maskRecord(parseContract(writer), record, (name) => name)
  }
}
