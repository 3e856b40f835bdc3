import type { ByteCursor } from './byte-cursor.ts'

/** Headers of pages, read with care: what a header claims is data of strangers. */

export interface PageHeader {
  readonly rawBytes: number
  readonly bytes: number
  /** The CRC-32 of the page's bytes as they stand in the file, where the writer left one. */
  readonly crc: number | null
  /** Null for pages that hold no values of ours (an index). */
  readonly content: PageContent | null
}

export type PageContent =
  | { readonly page: 'dictionary'; readonly values: number }
  | { readonly page: 'data'; readonly values: number; readonly encoding: number; readonly levels: LevelFrame }

/** Version 1 frames levels by their own lengths, inside what is compressed; version 2 puts them before it. */
export type LevelFrame =
  | {
      readonly version: 1
      /** Whether levels are in the old form BIT_PACKED; writers name it too where there are no levels to write. */
      readonly packedRepetition: boolean
      readonly packedDefinition: boolean
    }
  | {
      readonly version: 2
      readonly repetitionBytes: number
      readonly definitionBytes: number
      readonly compressed: boolean
    }

export function readPageHeader(cursor: ByteCursor): PageHeader {
  const fields = readStruct(cursor, 0)
  const first = structOf(fields, 5)
  const second = structOf(fields, 8)
  const dictionary = structOf(fields, 7)
  let content: PageContent | null = null
  if (first !== null) {
    const isPacked = (id: number): boolean => first.has(id) && numberOf(first, id) !== ENCODINGS.RLE
    const levels = { version: 1, packedDefinition: isPacked(3), packedRepetition: isPacked(4) } as const
    content = { page: 'data', values: numberOf(first, 1), encoding: numberOf(first, 2), levels }
  } else if (second !== null) {
    const levels: LevelFrame = {
      version: 2,
      definitionBytes: numberOf(second, 5),
      repetitionBytes: numberOf(second, 6),
      compressed: second.get(7) !== false,
    }
    content = { page: 'data', values: numberOf(second, 1), encoding: numberOf(second, 4), levels }
  } else if (dictionary !== null) content = { page: 'dictionary', values: numberOf(dictionary, 1) }
  const crc = fields.get(4)
  return {
    rawBytes: numberOf(fields, 2),
    bytes: numberOf(fields, 3),
    crc: typeof crc === 'number' ? crc >>> 0 : null,
    content,
  }
}

export const ENCODINGS = {
  PLAIN: 0,
  PLAIN_DICTIONARY: 2,
  RLE: 3,
  DELTA_BINARY_PACKED: 5,
  DELTA_LENGTH_BYTE_ARRAY: 6,
  DELTA_BYTE_ARRAY: 7,
  RLE_DICTIONARY: 8,
  BYTE_STREAM_SPLIT: 9,
} as const

type Fields = Map<number, Field>
type Field = number | boolean | Fields | null

const MAX_DEPTH = 8

/** Thrift's compact protocol, as far as headers need it: what is unknown is passed over. */
function readStruct(cursor: ByteCursor, depth: number): Fields {
  if (depth > MAX_DEPTH) throw new RangeError('a page header is nested too deeply')
  const fields: Fields = new Map()
  let id = 0
  for (;;) {
    const byte = cursor.byte()
    if (byte === 0) return fields
    id = byte >> 4 === 0 ? Number(cursor.zigZag64()) : id + (byte >> 4)
    fields.set(id, readField(cursor, byte & 0x0f, depth))
  }
}

function readField(cursor: ByteCursor, type: number, depth: number): Field {
  switch (type) {
    case 1:
    case 2:
      return type === 1
    case 3:
      cursor.take(1)
      return null
    case 4:
    case 5:
    case 6:
      return Number(cursor.zigZag64())
    case 7:
      cursor.take(8)
      return null
    case 8:
      cursor.take(cursor.varint())
      return null
    case 9:
    case 10: {
      const head = cursor.byte()
      const size = head >> 4 === 15 ? cursor.varint() : head >> 4
      const of = head & 0x0f
      // In a list a boolean is a byte of its own.
      for (let i = 0; i < size; i += 1) readField(cursor, of === 1 || of === 2 ? 3 : of, depth + 1)
      return null
    }
    case 12:
      return readStruct(cursor, depth + 1)
    default:
      throw new RangeError(`a page header holds the unknown type ${type}`)
  }
}

function numberOf(fields: Fields, id: number): number {
  const value = fields.get(id)
  if (typeof value !== 'number' || !(value >= 0 && value < 2 ** 31)) {
    throw new RangeError(`field ${id} of a page header is not possible`)
  }
  return value
}

function structOf(fields: Fields, id: number): Fields | null {
  const value = fields.get(id)
  return value instanceof Map ? value : null
}
