import { isUtf8 } from 'node:buffer'
import { parseExactJson, plainExact, type ExactJson } from '../../domain/exact-json.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../ports/schema-registry.ts'
import type { DescribedColumn } from '../../ports/source-connector.ts'
import type { DecodedValue, ValueDecoder } from '../../ports/value-decoder.ts'
import { AvroCursor, DecodeFault } from '../avro/read/cursor.ts'
import { parseAvroSchema, type AvroType } from '../avro/schema.ts'
import { readSchemaId } from '../wire.ts'
import { avroColumns } from './avro-columns.ts'
import { connectColumns, connectEnvelope, ConnectFault, connectValue } from './connect-json.ts'
import { readAvroValue } from './read-avro-value.ts'

/** JSON documents, plain or in Kafka Connect's envelope of schema and payload. */
export function jsonDecoder(): ValueDecoder {
  return { decode: (bytes) => decodeJson(bytes, 0) }
}

function decodeJson(bytes: Uint8Array, start: number): DecodedValue {
  const body = bytes.subarray(start)
  if (!isUtf8(body)) return { kind: 'refused', why: 'its text is not UTF-8' }
  let document: ExactJson
  try {
    document = parseExactJson(Buffer.from(body).toString('utf8')).value
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError)
      return { kind: 'refused', why: 'it is no JSON document' }
    throw error
  }
  const envelope = connectEnvelope(document)
  if (envelope === null || envelope.schema === null)
    return { kind: 'value', value: plainExact(envelope === null ? document : envelope.payload), columns: null }
  const { schema, payload } = envelope
  try {
    return { kind: 'value', value: connectValue(schema, payload), columns: connectColumns(schema) }
  } catch (error) {
    if (error instanceof ConnectFault)
      return { kind: 'refused', why: `its payload does not follow its schema: ${error.message}` }
    throw error
  }
}

const SCHEMAS_KEPT = 1000

type Writer = (bytes: Uint8Array, start: number) => DecodedValue

/**
 * What the Confluent wire format frames, by the schema that its id names in the registry given: Avro, or JSON. Throws
 * CONTRACT_INVALID for a schema that cannot be read.
 */
export function registryDecoder(registry: Pick<SchemaRegistry, 'byId'>): ValueDecoder {
  const writers = new Map<number, Writer>()
  return {
    decode(bytes) {
      const wire = readSchemaId(bytes)
      if (wire === null) return { kind: 'refused', why: 'it is not framed with the id of a schema' }
      const { schemaId, bodyStart } = wire
      const known = writers.get(schemaId)
      if (known !== undefined) return known(bytes, bodyStart)
      return registry.byId(schemaId).then((schema) => {
        if (schema === null) return { kind: 'unknown_schema', id: schemaId }
        const writer = writerOf(schema)
        if (writers.size >= SCHEMAS_KEPT) writers.clear()
        writers.set(schemaId, writer)
        return writer(bytes, bodyStart)
      })
    },
  }
}

function writerOf(schema: RegisteredSchema): Writer {
  if (schema.format === 'json') return decodeJson
  const type = parseAvroSchema(schema.text, schema.subject === '' ? `schema ${schema.id}` : schema.subject)
  const columns = avroColumns(type)
  const cursor = new AvroCursor()
  return (bytes, start) => decodeAvro({ type, columns, cursor }, bytes, start)
}

interface AvroWriterParts {
  readonly type: AvroType
  readonly columns: readonly DescribedColumn[] | null
  readonly cursor: AvroCursor
}

function decodeAvro({ type, columns, cursor }: AvroWriterParts, bytes: Uint8Array, start: number): DecodedValue {
  cursor.reset(bytes, start, bytes.length)
  try {
    const value = readAvroValue(type, cursor)
    cursor.expectEnd()
    return { kind: 'value', value, columns }
  } catch (error) {
    if (error instanceof DecodeFault) return { kind: 'refused', why: `it does not follow its schema: ${error.message}` }
    throw error
  }
}
