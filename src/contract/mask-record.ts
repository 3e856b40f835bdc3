import { fieldHasPii, type Contract, type ContractField } from '../domain/contract.ts'
import type { JsonValue } from '../domain/dead-letter.ts'
import { HIDDEN, maskAll, maskValue } from '../domain/masking.ts'

/**
 * The record as a dead letter may show it. A field that the contract does not know is hidden too wherever the contract
 * tags anything as PII: a producer's new or misspelt field must not carry what the known one hides.
 */
export function maskRecord(contract: Contract, record: JsonValue, nameOf: (written: string) => string): JsonValue {
  if (!contract.fields.some(fieldHasPii)) return record
  if (!isJsonObject(record)) return maskAll(record)
  return maskFields(contract.fields, record, nameOf)
}

function maskFields(
  fields: readonly ContractField[],
  record: JsonObject,
  nameOf: (written: string) => string,
): JsonValue {
  const known = new Map(fields.map((field) => [field.column.name, field]))
  const entries = Object.entries(record).map(([written, value]): [string, JsonValue] => {
    const field = known.get(nameOf(written))
    return [written, field === undefined ? maskAll(value) : maskField(field, value)]
  })
  return Object.fromEntries(entries)
}

function maskField(field: ContractField, value: JsonValue): JsonValue {
  if (value === null || !fieldHasPii(field)) return value
  const { children = [], column, pii: kind } = field
  // A map's keys are data too.
  if (kind !== null && column.type.kind === 'map') return HIDDEN
  if (kind !== null) return typeof value === 'object' ? maskAll(value) : maskValue(kind, value)
  if (column.type.kind === 'list' && isJsonList(value)) return value.map((each) => maskField(children[0]!, each))
  if (column.type.kind === 'map' && isJsonObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, maskField(children[0]!, each)]))
  }
  const isUnion = children.some((child) => child.column.name.startsWith('member_'))
  return column.type.kind === 'struct' && isJsonObject(value) && !isUnion
    ? maskFields(children, value, (name) => name)
    : maskAll(value)
}

type JsonObject = { readonly [key: string]: JsonValue }

function isJsonList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function isJsonObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
