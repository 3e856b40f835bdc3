import type { ColumnType } from '../../domain/column-batch.ts'
import { ExactNumber, isExactArray, isExactObject, plainExact, type ExactJson } from '../../domain/exact-json.ts'
import type { DescribedColumn, SourceValue } from '../../ports/source-connector.ts'
import { CONNECT_DECIMAL, connectCount, connectHolds, VARIABLE_DECIMAL } from './connect-value.ts'
import { decimalOfBytes, decimalOfParts } from './decimal-parts.ts'

/**
 * What Kafka Connect's JsonConverter writes with `schemas.enable`: `{"schema": {"type": …, "name": …}, "payload": …}`.
 * The schema stands in every record and tells what JSON cannot: bytes, decimals, what a count of days or microseconds is.
 */
export interface ConnectJson {
  readonly schema: { readonly [key: string]: ExactJson } | null
  readonly payload: ExactJson
}

/** Null where a document is no such envelope. */
export function connectEnvelope(document: ExactJson): ConnectJson | null {
  if (!isExactObject(document) || Object.keys(document).length !== 2) return null
  const { schema, payload } = document
  if (schema === undefined || payload === undefined) return null
  if (schema === null) return { schema, payload }
  return isExactObject(schema) && typeof schema['type'] === 'string' ? { schema, payload } : null
}

const MAX_DEPTH = 100

/** The payload does not follow its schema. The message quotes no value. */
export class ConnectFault extends Error {}

/** Throws ConnectFault. */
export function connectValue(schema: ExactJson, payload: ExactJson, depth = 0): SourceValue {
  if (depth > MAX_DEPTH) throw new ConnectFault(`values are nested deeper than ${MAX_DEPTH}`)
  if (payload === null) return null
  if (!isExactObject(schema)) throw new ConnectFault('a part of its schema is no schema')
  const { type } = schema
  const name = nameOf(schema)
  switch (type) {
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
      return connectCount(name, integer(payload))
    case 'bytes':
      return name === CONNECT_DECIMAL ? decimal(schema, payload) : bytes(payload)
    case 'array':
      if (!isExactArray(payload)) throw new ConnectFault('an array is no list')
      return payload.map((each) => connectValue(schema['items'] ?? null, each, depth + 1))
    case 'map': {
      const values = schema['values'] ?? null
      // Keys that are no text come as a list of pairs.
      if (isExactArray(payload)) return plainExact(payload)
      if (!isExactObject(payload)) throw new ConnectFault('a map is no object')
      return Object.fromEntries(
        Object.entries(payload).map(([key, each]) => [key, connectValue(values, each, depth + 1)]),
      )
    }
    case 'struct': {
      const fields = schema['fields']
      if (!isExactArray(fields) || !isExactObject(payload)) throw new ConnectFault('a struct is no object')
      const value: { readonly [key: string]: SourceValue } = Object.fromEntries(
        fields.map((field) => {
          const named = isExactObject(field) ? field['field'] : null
          if (typeof named !== 'string') throw new ConnectFault('a field of its schema has no name')
          const each = Object.hasOwn(payload, named) ? payload[named]! : null
          return [named, connectValue(field, each, depth + 1)]
        }),
      )
      return name === VARIABLE_DECIMAL ? (decimalOfParts(value) ?? value) : value
    }
    default:
      return plainExact(payload)
  }
}

/** What a struct's schema declares of its fields; null for any other. */
export function connectColumns(schema: ExactJson): readonly DescribedColumn[] | null {
  if (!isExactObject(schema) || schema['type'] !== 'struct' || !isExactArray(schema['fields'])) return null
  return schema['fields'].filter(isExactObject).map((field) => ({
    name: typeof field['field'] === 'string' ? field['field'] : '',
    type: nameOf(field) ?? (typeof field['type'] === 'string' ? field['type'] : null),
    holds: connectHolds(nameOf(field)) ?? holdsOf(field),
    nullable: field['optional'] === true,
  }))
}

const HOLDS: Readonly<Record<string, ColumnType>> = {
  boolean: { kind: 'boolean' },
  int8: { kind: 'int32' },
  int16: { kind: 'int32' },
  int32: { kind: 'int32' },
  int64: { kind: 'int64' },
  float: { kind: 'float32' },
  float32: { kind: 'float32' },
  double: { kind: 'float64' },
  float64: { kind: 'float64' },
  string: { kind: 'string' },
}

function holdsOf(field: { readonly [key: string]: ExactJson }): ColumnType | null {
  const { type } = field
  if (type === 'bytes') return nameOf(field) === CONNECT_DECIMAL ? null : { kind: 'binary' }
  return typeof type === 'string' && Object.hasOwn(HOLDS, type) ? HOLDS[type]! : null
}

function nameOf({ name }: { readonly [key: string]: ExactJson }): string | undefined {
  return typeof name === 'string' ? name : undefined
}

function integer(payload: ExactJson): bigint {
  const text = payload instanceof ExactNumber ? payload.text : typeof payload === 'number' ? String(payload) : ''
  if (!/^-?\d{1,19}$/.test(text)) throw new ConnectFault('an integer is no whole number')
  return BigInt(text)
}

function bytes(payload: ExactJson): Uint8Array {
  if (typeof payload !== 'string') throw new ConnectFault('bytes are no base64 text')
  return new Uint8Array(Buffer.from(payload, 'base64'))
}

/** As base64 of the unscaled value, or (`decimal.format: numeric`) as a number. */
function decimal(schema: { readonly [key: string]: ExactJson }, payload: ExactJson): SourceValue {
  if (payload instanceof ExactNumber) return payload.text
  if (typeof payload === 'number') return String(payload)
  const parameters = schema['parameters']
  const scale = isExactObject(parameters) ? Number(parameters['scale']) : Number.NaN
  const unscaled = bytes(payload)
  return decimalOfBytes(unscaled, scale) ?? unscaled
}
