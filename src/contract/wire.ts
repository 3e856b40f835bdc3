/**
 * The Confluent wire format: byte 0, a 4-byte big-endian schema id, the body.
 * https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
 */

const MAGIC = 0
export const HEADER_BYTES = 5

export interface WireHeader {
  readonly schemaId: number
  /** Where the body begins. */
  readonly bodyStart: number
}

/** Null where the bytes are no such message: too short, another magic byte, or an id that no registry gives out. */
export function readSchemaId(bytes: Uint8Array): WireHeader | null {
  if (bytes.length < HEADER_BYTES || bytes[0] !== MAGIC) return null
  const schemaId = bytes[1]! * 0x1000000 + ((bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!)
  return schemaId < 1 || schemaId > 0x7fffffff ? null : { schemaId, bodyStart: HEADER_BYTES }
}

/** The id at a place of a batch, or -1 where `readSchemaId` finds none: asked of every record, so that it makes nothing. */
export function schemaIdAt(bytes: Uint8Array, start: number, end: number): number {
  if (start < 0 || end - start < HEADER_BYTES || bytes[start] !== MAGIC) return -1
  const id = (bytes[start + 1]! << 24) | (bytes[start + 2]! << 16) | (bytes[start + 3]! << 8) | bytes[start + 4]!
  return id < 1 ? -1 : id
}

export function frameRecord(schemaId: number, body: Uint8Array): Uint8Array {
  // Out of Node's pool: a buffer of its own a record costs more than the record.
  const room = Buffer.allocUnsafe(HEADER_BYTES + body.length)
  const framed = new Uint8Array(room.buffer, room.byteOffset, room.length)
  framed[0] = MAGIC
  framed[1] = schemaId >>> 24
  framed[2] = schemaId >>> 16
  framed[3] = schemaId >>> 8
  framed[4] = schemaId
  framed.set(body, HEADER_BYTES)
  return framed
}
