import { crc32 } from 'node:zlib'
import type { Column } from '../../domain/column-batch.ts'
import { BloomFilter } from './bloom/bloom-filter.ts'
import { mergeBounds } from './values/column-bounds.ts'
import type { ColumnBounds } from './values/column-bounds.ts'
import { encodePageHeader } from './file-metadata.ts'
import type { ChunkFacts } from './file-metadata.ts'
import { LevelRun } from './level-run.ts'
import { compressPage } from './page-codec.ts'
import type { PageCodec } from './page-codec.ts'
import { ByteArrayValues } from './values/byte-array-values.ts'
import { DictionaryValues } from './values/dictionary-values.ts'
import { BooleanValues, FixedValues } from './values/fixed-values.ts'
import { giveBuffer, takeBuffer } from './values/page-buffers.ts'
import type { PageValues, ValueEncoding } from './values/page-values.ts'
import type { PageRecord } from './page-index.ts'
import type { ParquetLeaf } from './parquet-schema.ts'
import { shred } from './shred.ts'

export interface FinishedChunk {
  readonly facts: ChunkFacts
  readonly parts: readonly Uint8Array[]
  /** What follows the row group's chunks: the Bloom filter, where one was asked for. */
  readonly bloom: readonly Uint8Array[] | null
}

export interface LeafOptions {
  readonly codec: PageCodec
  readonly pageBytes: number
  readonly room: PageRoom
  /** Rows of a row group at most, where the leaf gets a Bloom filter; else null. */
  readonly bloomRows: number | null
}

/** Room in which the pages of all leaves are put together, one at a time. */
export class PageRoom {
  #bytes = new Uint8Array(0)

  /** At least `bytes`, with whatever was there before. */
  take(bytes: number): Uint8Array {
    if (this.#bytes.length < bytes) {
      giveBuffer(this.#bytes.buffer)
      this.#bytes = new Uint8Array(takeBuffer(bytes))
    }
    return this.#bytes
  }

  release(): void {
    giveBuffer(this.#bytes.buffer)
    this.#bytes = new Uint8Array(0)
  }
}

/** What is known of a leaf over all its chunks. */
export interface LeafTotals {
  /** Rows in which the leaf is null, or the outermost list or map that holds it. */
  readonly rowNulls: number
  readonly bounds: ColumnBounds | null
  readonly nan: boolean
}

/** Levels are cheap and values may be a dictionary's indexes, so a page is bounded by rows as well as by bytes. */
const PAGE_LEVELS = 1 << 17

/** Turns the rows of one leaf into the pages of one column chunk after another. */
export class LeafWriter {
  readonly #leaf: ParquetLeaf
  readonly #codec: PageCodec
  readonly #pageBytes: number
  readonly #room: PageRoom
  readonly #bloom: BloomFilter | null
  readonly #values: PageValues
  readonly #definition: LevelRun
  readonly #repetition: LevelRun
  #levels = 0
  #present = 0

  #parts: Uint8Array[] = []
  #pages: PageRecord[] = []
  #encodings = new Map<ValueEncoding, number>()
  /** Rows of the chunk in pages that are out, and in all. */
  #pagedRows = 0
  #rows = 0
  #chunkLevels = 0
  #chunkNulls = 0
  #chunkBounds: ColumnBounds | null = null
  #chunkBytes = 0
  #chunkRawBytes = 0

  #rowNulls = 0
  #bounds: ColumnBounds | null = null
  #nan = false

  constructor(leaf: ParquetLeaf, options: LeafOptions) {
    this.#leaf = leaf
    this.#room = options.room
    const wanted = options.bloomRows !== null && leaf.physical !== 'BOOLEAN'
    this.#bloom = wanted ? new BloomFilter(options.bloomRows) : null
    this.#codec = options.codec
    this.#pageBytes = options.pageBytes
    this.#values = createPageValues(leaf)
    this.#definition = new LevelRun(leaf.maxDefinition)
    this.#repetition = new LevelRun(leaf.maxRepetition)
  }

  /** Bytes of the chunk so far: pages that are out, and the one being filled. */
  get chunkBytes(): number {
    return this.#chunkBytes + this.#values.bytes
  }

  get totals(): LeafTotals {
    return { rowNulls: this.#rowNulls, bounds: this.#bounds, nan: this.#nan }
  }

  /** Rows `[start, end)` of the top-level column that holds the leaf. */
  append(column: Column, start: number, end: number): void {
    const rows = shred(this.#leaf, column, start, end)
    this.#values.append(rows)
    this.#definition.append(rows.definition, rows.levels, rows.uniformDefinition)
    if (this.#leaf.maxRepetition > 0) this.#repetition.append(rows.repetition, rows.levels, 0)
    this.#levels += rows.levels
    this.#rows += end - start
    this.#present += rows.present
    this.#rowNulls += rows.rowNulls
    if (this.#values.bytes >= this.#pageBytes || this.#levels >= PAGE_LEVELS) this.#finishPage()
  }

  /** Gives back the room of pages; nothing may be appended after it. */
  release(): void {
    for (const part of [this.#values, this.#definition, this.#repetition]) part.release()
  }

  finishChunk(): FinishedChunk {
    if (this.#levels > 0) this.#finishPage()
    const dictionary = this.#values.takeDictionary()
    let dataStart = 0
    let parts = this.#parts
    if (dictionary !== null) {
      const { plain, count } = dictionary
      const page = this.#framePage(plain, { encoding: null, values: count })
      dataStart = page.bytes
      parts = [...page.parts, ...parts]
      this.#noteBloom(plain)
    }
    const facts: ChunkFacts = {
      leaf: this.#leaf,
      values: this.#chunkLevels,
      nulls: this.#chunkNulls,
      bounds: this.#chunkBounds,
      rawBytes: this.#chunkRawBytes,
      bytes: this.#chunkBytes,
      dataStart,
      pages: this.#pages,
      encodings: this.#encodings,
    }
    this.#parts = []
    this.#pages = []
    this.#encodings = new Map()
    this.#pagedRows = 0
    this.#rows = 0
    this.#chunkLevels = 0
    this.#chunkNulls = 0
    this.#chunkBounds = null
    this.#chunkBytes = 0
    this.#chunkRawBytes = 0
    return { facts, parts, bloom: this.#bloom?.take() ?? null }
  }

  #finishPage(): void {
    const values = this.#values
    const bounds = values.bounds()
    this.#noteBounds(bounds)
    this.#nan ||= values.nan()
    const plain = this.#bloom === null ? null : values.plain()
    if (plain !== null) this.#noteBloom(plain)
    const body = this.#room.take(this.#repetition.bound + this.#definition.bound + values.bound)
    let start = this.#repetition.encode(body, 0)
    start = this.#definition.encode(body, start)
    const { end, encoding } = values.encode(body, start)
    const offset = this.#chunkBytes
    const { parts, bytes } = this.#framePage(body.subarray(0, end), { encoding, values: this.#levels })
    this.#parts.push(...parts)
    this.#encodings.set(encoding, (this.#encodings.get(encoding) ?? 0) + 1)
    const nulls = this.#levels - this.#present
    this.#pages.push({ offset, bytes, firstRow: this.#pagedRows, nulls, bounds, empty: this.#present === 0 })
    this.#pagedRows = this.#rows
    this.#chunkLevels += this.#levels
    this.#chunkNulls += nulls
    this.#levels = 0
    this.#present = 0
    values.clear()
  }

  #framePage(
    body: Uint8Array,
    { encoding, values }: { readonly encoding: ValueEncoding | null; readonly values: number },
  ): { readonly parts: Uint8Array[]; readonly bytes: number } {
    const packed = compressPage(body, this.#codec)
    const header = encodePageHeader({
      encoding,
      values,
      rawBytes: body.length,
      bytes: packed.length,
      crc: crc32(packed),
    })
    const bytes = header.length + packed.length
    this.#chunkBytes += bytes
    this.#chunkRawBytes += header.length + body.length
    return { parts: [header, packed], bytes }
  }

  #noteBloom(plain: Uint8Array): void {
    const { size } = this.#leaf
    if (size === 0) this.#bloom?.addByteArrays(plain)
    else this.#bloom?.addFixed(plain, size)
  }

  #noteBounds(bounds: ColumnBounds | null): void {
    this.#chunkBounds = mergeBounds(this.#chunkBounds, bounds)
    this.#bounds = mergeBounds(this.#bounds, bounds)
  }
}

function createPageValues(leaf: ParquetLeaf): PageValues {
  switch (leaf.physical) {
    case 'BOOLEAN':
      return new BooleanValues()
    case 'BYTE_ARRAY':
      return new DictionaryValues(new ByteArrayValues(), 0)
    default:
      return new DictionaryValues(new FixedValues(leaf.physical, leaf.size), leaf.size)
  }
}
