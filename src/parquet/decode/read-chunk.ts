import { crc32 } from 'node:zlib'
import type { CompressionCodec } from 'hyparquet'
import { bitWidth } from '../encode/rle-levels.ts'
import { ByteCursor } from './byte-cursor.ts'
import { decompressPage } from './page-decompressors.ts'
import { ENCODINGS, readPageHeader } from './page-header.ts'
import type { LevelFrame, PageContent, PageHeader } from './page-header.ts'
import { readHybrid } from './read-hybrid.ts'
import {
  readDeltaIntegers,
  readDeltaSpans,
  readFrontCoded,
  readIndexed,
  readPlain,
  readRleBits,
  readSplitStreams,
} from './read-values.ts'
import type { StoredType } from './read-values.ts'
import { joinValues, spend } from './stored-values.ts'
import type { Budget, StoredValues } from './stored-values.ts'

/** A leaf's entries over one row group: levels, and the values of those that are present. */
export interface LeafStream {
  readonly entries: number
  /** Null where all entries are present. */
  readonly definition: Uint8Array | null
  /** Null where the leaf does not repeat. */
  readonly repetition: Uint8Array | null
  readonly values: StoredValues
}

export interface ChunkPlan {
  readonly bytes: Uint8Array
  readonly codec: CompressionCodec
  /** Entries that the chunk claims; more or fewer is a `RangeError`. */
  readonly entries: number
  readonly type: StoredType
  readonly maxDefinition: number
  readonly maxRepetition: number
  readonly budget: Budget
}

interface DataPage {
  readonly definition: Uint8Array | null
  readonly repetition: Uint8Array | null
  readonly entries: number
  readonly values: StoredValues
}

export function readChunk(plan: ChunkPlan): LeafStream {
  const cursor = new ByteCursor(plan.bytes)
  const pages: DataPage[] = []
  let dictionary: StoredValues | null = null
  let entries = 0
  while (entries < plan.entries) {
    const header = readPageHeader(cursor)
    const packed = cursor.take(header.bytes)
    const { content, crc } = header
    if (crc !== null && crc !== crc32(packed)) throw new RangeError('a page does not have the checksum that it states')
    if (content?.page === 'dictionary') {
      spend(plan.budget, header.rawBytes)
      dictionary = readPlain(
        plan.type,
        new ByteCursor(decompressPage(packed, plan.codec, header.rawBytes)),
        content.values,
      )
    } else if (content !== null) {
      entries += content.values
      if (entries > plan.entries) throw new RangeError('pages claim more values than their column chunk')
      pages.push(readDataPage(plan, { header, content, packed, dictionary }))
    }
  }
  const anyNull = pages.some(({ definition }) => definition !== null)
  return {
    entries,
    definition: anyNull ? joinLevels(pages, 'definition', plan.maxDefinition) : null,
    repetition: plan.maxRepetition > 0 ? joinLevels(pages, 'repetition', 0) : null,
    values: pages.length === 0 ? readPlain(plan.type, cursor, 0) : joinValues(pages.map(({ values }) => values)),
  }
}

function readDataPage(
  plan: ChunkPlan,
  page: {
    readonly header: PageHeader
    readonly content: PageContent & { readonly page: 'data' }
    readonly packed: Uint8Array
    readonly dictionary: StoredValues | null
  },
): DataPage {
  const { content, packed, dictionary } = page
  const entries = content.values
  spend(plan.budget, page.header.rawBytes + entries * 2)
  const framed = frameLevels(plan, content.levels, packed, page.header.rawBytes)
  const repetition = readLevels(framed.repetition, plan.maxRepetition, entries)
  const definition = readLevels(framed.definition, plan.maxDefinition, entries)
  const cursor = framed.values()
  let present = entries
  if (definition !== null) {
    for (let i = 0; i < entries; i += 1) if (definition[i] !== plan.maxDefinition) present -= 1
  }
  return {
    entries,
    repetition,
    definition: present === entries ? null : definition,
    values: readEncoded(plan, { encoding: content.encoding, cursor, present, dictionary }),
  }
}

interface Framed {
  readonly repetition: (() => ByteCursor) | null
  readonly definition: (() => ByteCursor) | null
  readonly values: () => ByteCursor
}

/** Where levels and values stand, in the order in which they must be read. */
function frameLevels(
  { codec, maxDefinition, maxRepetition }: ChunkPlan,
  levels: LevelFrame,
  packed: Uint8Array,
  rawBytes: number,
): Framed {
  if (levels.version === 1) {
    // The form is of no writer of this century's second decade.
    if ((levels.packedRepetition && maxRepetition > 0) || (levels.packedDefinition && maxDefinition > 0)) {
      throw new RangeError('levels in the form BIT_PACKED are not read')
    }
    const page = new ByteCursor(decompressPage(packed, codec, rawBytes))
    const framed = (): ByteCursor => new ByteCursor(page.take(page.uint32()))
    return { repetition: framed, definition: framed, values: () => page }
  }
  const { repetitionBytes, definitionBytes, compressed } = levels
  const before = new ByteCursor(packed)
  const repetition = new ByteCursor(before.take(repetitionBytes))
  const definition = new ByteCursor(before.take(definitionBytes))
  const rest = before.take(before.left)
  const restBytes = rawBytes - repetitionBytes - definitionBytes
  if (restBytes < 0) throw new RangeError('the levels of a page are longer than the page')
  return {
    repetition: () => repetition,
    definition: () => definition,
    values: () => new ByteCursor(compressed ? decompressPage(rest, codec, restBytes) : rest),
  }
}

function readLevels(framed: (() => ByteCursor) | null, maxLevel: number, entries: number): Uint8Array | null {
  if (maxLevel === 0 || framed === null) return null
  const levels = new Uint8Array(entries)
  readHybrid(framed(), bitWidth(maxLevel), levels)
  for (let i = 0; i < entries; i += 1) {
    if (levels[i]! > maxLevel) throw new RangeError('a level is deeper than the schema')
  }
  return levels
}

function readEncoded(
  { type, budget }: ChunkPlan,
  page: {
    readonly encoding: number
    readonly cursor: ByteCursor
    readonly present: number
    readonly dictionary: StoredValues | null
  },
): StoredValues {
  const { encoding, cursor, present, dictionary } = page
  switch (encoding) {
    case ENCODINGS.PLAIN:
      return readPlain(type, cursor, present)
    case ENCODINGS.RLE_DICTIONARY:
    case ENCODINGS.PLAIN_DICTIONARY:
      if (dictionary === null) throw new RangeError('a page needs a dictionary that is not there')
      return readIndexed(dictionary, cursor, present, budget)
    case ENCODINGS.RLE:
      return readRleBits(type, cursor, present)
    case ENCODINGS.DELTA_BINARY_PACKED:
      // A few bytes can stand for any number of equal steps.
      spend(budget, present * 8)
      return readDeltaIntegers(type, cursor, present)
    case ENCODINGS.DELTA_LENGTH_BYTE_ARRAY:
      spend(budget, present * 8)
      return readDeltaSpans(type, cursor, present)
    case ENCODINGS.DELTA_BYTE_ARRAY:
      spend(budget, present * 16)
      return readFrontCoded(type, { cursor, count: present, budget })
    case ENCODINGS.BYTE_STREAM_SPLIT:
      return readSplitStreams(type, cursor, present)
    default:
      throw new RangeError(`pages of encoding ${encoding} are not read`)
  }
}

function joinLevels(pages: readonly DataPage[], which: 'definition' | 'repetition', level: number): Uint8Array {
  const joined = new Uint8Array(pages.reduce((sum, { entries }) => sum + entries, 0))
  let at = 0
  for (const page of pages) {
    const levels = page[which]
    if (levels === null) joined.fill(level, at, at + page.entries)
    else joined.set(levels, at)
    at += page.entries
  }
  return joined
}
