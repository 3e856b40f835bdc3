/**
 * Walks the page headers of a column chunk before anything is decoded, so that what a header claims is known to be
 * within bounds: a few bytes can claim billions of values. Reads Thrift's compact protocol as far as headers need it.
 */

export interface ChunkClaims {
  /** Levels of all data pages. */
  readonly values: number
  readonly rawBytes: number
}

/** Throws a `RangeError` where headers do not fit into the chunk or claim what their bytes cannot hold. */
export function scanPages(chunk: Uint8Array, valueLimit: number): ChunkClaims {
  const reader: Reader = { bytes: chunk, at: 0 }
  let values = 0
  let rawBytes = 0
  while (values < valueLimit && reader.at < chunk.length) {
    const header = readStruct(reader, 0)
    const raw = numberOf(header, 2)
    const packed = numberOf(header, 3)
    if (packed > chunk.length - reader.at) throw new RangeError('a page reaches past its column chunk')
    reader.at += packed
    rawBytes += raw
    const dictionary = structOf(header, 7)
    if (dictionary !== null && numberOf(dictionary, 1) > raw) {
      throw new RangeError('a dictionary claims more entries than it has bytes')
    }
    const data = structOf(header, 5) ?? structOf(header, 8)
    if (data !== null) values += numberOf(data, 1)
  }
  if (values > valueLimit) throw new RangeError('pages claim more values than their column chunk')
  return { values, rawBytes }
}

interface Reader {
  readonly bytes: Uint8Array
  at: number
}

type Read = number | Fields | null
type Fields = Map<number, Read>

const MAX_DEPTH = 16

function readStruct(reader: Reader, depth: number): Fields {
  if (depth > MAX_DEPTH) throw new RangeError('a page header is nested too deeply')
  const fields: Fields = new Map()
  let id = 0
  for (;;) {
    const byte = nextByte(reader)
    if (byte === 0) return fields
    id = byte >> 4 === 0 ? readZigZag(reader) : id + (byte >> 4)
    fields.set(id, readElement(reader, byte & 0x0f, depth))
  }
}

function readElement(reader: Reader, type: number, depth: number): Read {
  switch (type) {
    case 1:
    case 2:
      return null
    case 3:
      skip(reader, 1)
      return null
    case 4:
    case 5:
    case 6:
      return readZigZag(reader)
    case 7:
      skip(reader, 8)
      return null
    case 8:
      skip(reader, readVarint(reader))
      return null
    case 9:
    case 10: {
      const head = nextByte(reader)
      const size = head >> 4 === 15 ? readVarint(reader) : head >> 4
      const of = head & 0x0f
      for (let i = 0; i < size; i += 1) readElement(reader, of === 1 || of === 2 ? 3 : of, depth + 1)
      return null
    }
    case 12:
      return readStruct(reader, depth + 1)
    default:
      throw new RangeError(`a page header holds the unknown type ${type}`)
  }
}

function readVarint(reader: Reader): number {
  let value = 0
  for (let scale = 1; scale < 2 ** 70; scale *= 128) {
    const byte = nextByte(reader)
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
  }
  throw new RangeError('a page header holds a number that is too long')
}

function readZigZag(reader: Reader): number {
  const value = readVarint(reader)
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

function nextByte(reader: Reader): number {
  const byte = reader.bytes[reader.at]
  if (byte === undefined) throw new RangeError('a page header ends too early')
  reader.at += 1
  return byte
}

function skip(reader: Reader, count: number): void {
  if (count > reader.bytes.length - reader.at) throw new RangeError('a page header ends too early')
  reader.at += count
}

function numberOf(fields: Fields, id: number): number {
  const value = fields.get(id)
  if (typeof value !== 'number' || value < 0) throw new RangeError(`a page header lacks field ${id}`)
  return value
}

function structOf(fields: Fields, id: number): Fields | null {
  const value = fields.get(id)
  return value instanceof Map ? value : null
}
