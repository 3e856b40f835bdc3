import { crc32 } from 'node:zlib'
import type { Column } from '../../domain/column-batch.ts'
import { mergeBounds } from './values/column-bounds.ts'
import type { ColumnBounds } from './values/column-bounds.ts'
import { encodePageHeader } from './file-metadata.ts'
import type { ChunkFacts } from './file-metadata.ts'
import { compressPage } from './page-codec.ts'
import type { PageCodec } from './page-codec.ts'
import { ByteArrayValues } from './values/byte-array-values.ts'
import { DictionaryValues } from './values/dictionary-values.ts'
import { BooleanValues, FixedValues } from './values/fixed-values.ts'
import type { PageValues } from './values/page-values.ts'
import type { ParquetLeaf } from './parquet-schema.ts'
import { bitWidth, encodeHybrid, encodeRun, hybridBound } from './rle-levels.ts'
import { shred } from './shred.ts'

export interface FinishedChunk {
  readonly facts: ChunkFacts
  readonly parts: readonly Uint8Array[]
}

export interface LeafOptions {
  readonly codec: PageCodec
  readonly pageBytes: number
  readonly room: PageRoom
}

/** Room in which the pages of all leaves are put together, one at a time. */
export class PageRoom {
  #bytes = new Uint8Array(0)

  /** At least `bytes`, with whatever was there before. */
  take(bytes: number): Uint8Array {
    if (this.#bytes.length < bytes) this.#bytes = new Uint8Array(Math.max(bytes, this.#bytes.length * 2))
    return this.#bytes
  }
}

/** What is known of a leaf over all its chunks. */
export interface LeafTotals {
  readonly topNulls: number
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
  readonly #values: PageValues
  readonly #definition: LevelRun
  readonly #repetition: LevelRun
  #levels = 0
  #present = 0

  #parts: Uint8Array[] = []
  #chunkLevels = 0
  #chunkNulls = 0
  #chunkBounds: ColumnBounds | null = null
  #chunkBytes = 0
  #chunkRawBytes = 0

  #topNulls = 0
  #bounds: ColumnBounds | null = null
  #nan = false

  constructor(leaf: ParquetLeaf, options: LeafOptions) {
    this.#leaf = leaf
    this.#room = options.room
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
    return { topNulls: this.#topNulls, bounds: this.#bounds, nan: this.#nan }
  }

  /** Rows `[start, end)` of the top-level column that holds the leaf. */
  append(column: Column, start: number, end: number): void {
    const rows = shred(this.#leaf, column, start, end)
    this.#values.append(rows)
    this.#definition.append(rows.definition, rows.levels, rows.uniformDefinition)
    if (this.#leaf.maxRepetition > 0) this.#repetition.append(rows.repetition, rows.levels, 0)
    this.#levels += rows.levels
    this.#present += rows.present
    this.#topNulls += rows.topNulls
    if (this.#values.bytes >= this.#pageBytes || this.#levels >= PAGE_LEVELS) this.#finishPage()
  }

  finishChunk(): FinishedChunk {
    if (this.#levels > 0) this.#finishPage()
    const dictionary = this.#values.takeDictionary()
    let dataStart = 0
    let parts = this.#parts
    if (dictionary !== null) {
      const page = this.#framePage(dictionary.plain, { indexed: null, values: dictionary.count })
      dataStart = page.reduce((sum, part) => sum + part.length, 0)
      parts = [...page, ...parts]
    }
    const facts: ChunkFacts = {
      leaf: this.#leaf,
      values: this.#chunkLevels,
      nulls: this.#chunkNulls,
      bounds: this.#chunkBounds,
      rawBytes: this.#chunkRawBytes,
      bytes: this.#chunkBytes,
      dataStart,
      hasDictionary: dictionary !== null,
    }
    this.#parts = []
    this.#chunkLevels = 0
    this.#chunkNulls = 0
    this.#chunkBounds = null
    this.#chunkBytes = 0
    this.#chunkRawBytes = 0
    return { facts, parts }
  }

  #finishPage(): void {
    const values = this.#values
    const { indexed } = values
    this.#noteBounds(values.bounds())
    this.#nan ||= values.nan()
    const body = this.#room.take(this.#repetition.bound + this.#definition.bound + values.bytes)
    let end = this.#repetition.encode(body, 0)
    end = this.#definition.encode(body, end)
    end = values.encode(body, end)
    this.#parts.push(...this.#framePage(body.subarray(0, end), { indexed, values: this.#levels }))
    this.#chunkLevels += this.#levels
    this.#chunkNulls += this.#levels - this.#present
    this.#levels = 0
    this.#present = 0
    values.clear()
  }

  #framePage(
    body: Uint8Array,
    { indexed, values }: { readonly indexed: boolean | null; readonly values: number },
  ): Uint8Array[] {
    const packed = compressPage(body, this.#codec)
    const facts = { indexed, values, rawBytes: body.length, bytes: packed.length, crc: crc32(packed) }
    const header = encodePageHeader(facts)
    this.#chunkBytes += header.length + packed.length
    this.#chunkRawBytes += header.length + body.length
    return [header, packed]
  }

  #noteBounds(bounds: ColumnBounds | null): void {
    this.#chunkBounds = mergeBounds(this.#chunkBounds, bounds)
    this.#bounds = mergeBounds(this.#bounds, bounds)
  }
}

/** The levels of the page being filled. A page whose levels are all alike holds only their count. */
class LevelRun {
  readonly #width: number
  #levels = new Uint8Array(0)
  #count = 0
  /** The level of all entries so far, or -1 where `#levels` holds them. */
  #uniform = -1

  constructor(maxLevel: number) {
    this.#width = bitWidth(maxLevel)
  }

  get bound(): number {
    if (this.#width === 0) return 0
    return this.#uniform >= 0 ? 16 : 4 + hybridBound(this.#count, this.#width)
  }

  /** `levels` null stands for `count` times `level`. */
  append(levels: Uint8Array | null, count: number, level: number): void {
    if (this.#width === 0 || count === 0) return
    if (levels === null && (this.#count === 0 || this.#uniform === level)) {
      this.#uniform = level
      this.#count += count
      return
    }
    this.#reserve(count)
    if (this.#uniform >= 0) this.#levels.fill(this.#uniform, 0, this.#count)
    this.#uniform = -1
    if (levels === null) this.#levels.fill(level, this.#count, this.#count + count)
    else this.#levels.set(levels, this.#count)
    this.#count += count
  }

  /** As data pages of version 1 frame levels: four bytes of length, then the runs. Empties the run. */
  encode(out: Uint8Array, at: number): number {
    if (this.#width === 0) return at
    let end = at + 4
    if (this.#uniform >= 0) {
      const run = encodeRun(this.#uniform, this.#count, this.#width)
      out.set(run, end)
      end += run.length
    } else end = encodeHybrid(this.#levels, this.#count, this.#width, { out, at: end })
    new DataView(out.buffer, out.byteOffset).setUint32(at, end - at - 4, true)
    this.#count = 0
    this.#uniform = -1
    return end
  }

  #reserve(more: number): void {
    const needed = this.#count + more
    if (needed <= this.#levels.length) return
    const grown = new Uint8Array(Math.max(needed, this.#levels.length * 2, 1024))
    grown.set(this.#levels.subarray(0, this.#count))
    this.#levels = grown
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
