import { batchBytes, MAX_INT64_PRECISION } from '../domain/column-batch.ts'
import type { Column, ColumnBatch, ColumnField, ColumnType, ColumnValues } from '../domain/column-batch.ts'
import type { ColumnStats } from '../domain/column-stats.ts'
import { SluiceError } from '../domain/errors.ts'
import { deltaStats } from './delta-stats.ts'
import { encodeFooter, MAGIC } from './encode/file-metadata.ts'
import type { FileSpan, PlacedChunk, RowGroupFacts } from './encode/file-metadata.ts'
import { LeafWriter, PageRoom } from './encode/leaf-writer.ts'
import { encodeColumnIndex, encodeOffsetIndex } from './encode/page-index.ts'
import type { PageCodec } from './encode/page-codec.ts'
import { parquetSchema } from './encode/parquet-schema.ts'

export interface ParquetOptions {
  /**
   * The columns of the file, in order. A batch may have them in another order, or lack those that are nullable. A null in
   * one that is not is refused (COLUMN_NOT_NULL).
   */
  readonly fields: readonly ColumnField[]
  readonly codec?: PageCodec
  readonly rowGroupRows?: number
  readonly rowGroupBytes?: number
  readonly pageBytes?: number
  /**
   * Leaves that get a Bloom filter, by their paths with dots (`order_id`, `tags.list.element`): worth it where keys are
   * looked for that statistics cannot tell apart. Booleans get none.
   */
  readonly bloomFilters?: readonly string[]
  /** Key-value metadata of the file. */
  readonly keyValues?: Readonly<Record<string, string>>
}

export interface ParquetFile {
  readonly bytes: Uint8Array
  readonly rows: number
  /** Of each column, and of each field inside structs. */
  readonly stats: readonly ColumnStats[]
}

export interface ParquetEnd {
  readonly chunks: readonly Uint8Array[]
  readonly rows: number
  readonly stats: readonly ColumnStats[]
}

/**
 * Writes a file as a stream. `write` and `finish` return what can go out by then, in order; the writer holds the
 * encoded pages of one row group at most, and keeps no reference to a batch.
 */
export interface ParquetWriter {
  write(batch: ColumnBatch): readonly Uint8Array[]
  /** Bytes returned so far plus those held. */
  readonly bytes: number
  finish(): ParquetEnd
}

const ROW_GROUP_ROWS = 1 << 20
const ROW_GROUP_BYTES = 128 * 1024 * 1024
const PAGE_BYTES = 1024 * 1024
/** Rows go to each column in turn in steps of this many, or fewer where rows are large. */
const STEP_ROWS = 8192

export function writeParquet(options: ParquetOptions & { readonly batches: readonly ColumnBatch[] }): ParquetFile {
  const writer = createParquetWriter(options)
  const chunks: Uint8Array[] = []
  for (const batch of options.batches) chunks.push(...writer.write(batch))
  const end = writer.finish()
  return { bytes: Buffer.concat([...chunks, ...end.chunks]), rows: end.rows, stats: end.stats }
}

export function createParquetWriter(options: ParquetOptions): ParquetWriter {
  return new RowGroupWriter(options)
}

class RowGroupWriter implements ParquetWriter {
  readonly #options: Required<ParquetOptions>
  readonly #schema
  readonly #leaves: readonly LeafWriter[]
  readonly #room = new PageRoom()
  readonly #groups: RowGroupFacts[] = []
  #rows = 0
  #groupRows = 0
  /** Where the next byte that is returned stands in the file. */
  #at = 0

  constructor(options: ParquetOptions) {
    this.#options = {
      codec: 'zstd',
      rowGroupRows: ROW_GROUP_ROWS,
      rowGroupBytes: ROW_GROUP_BYTES,
      pageBytes: PAGE_BYTES,
      bloomFilters: [],
      keyValues: {},
      ...options,
    }
    this.#schema = parquetSchema(options.fields)
    const room = this.#room
    const { codec, pageBytes, bloomFilters, rowGroupRows } = this.#options
    const wanted = new Set(bloomFilters)
    this.#leaves = this.#schema.leaves.map((leaf) => {
      const bloomRows = wanted.delete(leaf.path.join('.')) ? rowGroupRows : null
      return new LeafWriter(leaf, { codec, pageBytes, room, bloomRows })
    })
    if (wanted.size > 0) throw new SluiceError('BUG', `no column ${[...wanted].join(', ')} to make a Bloom filter of`)
  }

  get bytes(): number {
    return this.#at + this.#groupBytes
  }

  get #groupBytes(): number {
    let sum = 0
    for (const leaf of this.#leaves) sum += leaf.chunkBytes
    return sum
  }

  write(batch: ColumnBatch): Uint8Array[] {
    const { fields, pageBytes, rowGroupRows, rowGroupBytes } = this.#options
    const columns = fields.map((field) => columnOf(batch, field))
    const rowBytes = batch.length === 0 ? 0 : batchBytes(batch) / batch.length
    const step = Math.max(1, Math.min(STEP_ROWS, Math.floor((pageBytes * 4) / Math.max(rowBytes, 1))))
    const out = this.#begin()
    for (let start = 0; start < batch.length;) {
      const end = Math.min(start + step, start + rowGroupRows - this.#groupRows, batch.length)
      for (const [index, leaf] of this.#schema.leaves.entries()) {
        this.#leaves[index]!.append(columns[leaf.field]!, start, end)
      }
      this.#groupRows += end - start
      start = end
      if (this.#groupRows >= rowGroupRows || this.#groupBytes >= rowGroupBytes) this.#finishGroup(out)
    }
    return out
  }

  finish(): ParquetEnd {
    const chunks = this.#begin()
    if (this.#groupRows > 0) this.#finishGroup(chunks)
    const { codec, keyValues } = this.#options
    const groups = this.#placeIndexes(chunks)
    chunks.push(encodeFooter({ schema: this.#schema, rows: this.#rows, groups, codec, keyValues }))
    this.#room.release()
    for (const leaf of this.#leaves) leaf.release()
    const stats = deltaStats(this.#schema.leaves.map((leaf, i) => ({ leaf, totals: this.#leaves[i]!.totals })))
    return { chunks, rows: this.#rows, stats }
  }

  #begin(): Uint8Array[] {
    if (this.#at > 0) return []
    this.#at = MAGIC.length
    return [MAGIC]
  }

  #finishGroup(out: Uint8Array[]): void {
    const start = this.#at
    const chunks: PlacedChunk[] = []
    const filters = this.#leaves.map((leaf) => {
      const { facts, parts, bloom } = leaf.finishChunk()
      out.push(...parts)
      this.#at += facts.bytes
      return { facts, bloom }
    })
    for (const { facts, bloom } of filters) {
      chunks.push({ facts, bloom: bloom && this.#place(out, bloom), columnIndex: null, offsetIndex: null })
    }
    this.#groups.push({ rows: this.#groupRows, start, chunks })
    this.#rows += this.#groupRows
    this.#groupRows = 0
  }

  /** The page index: first what pages hold, of all chunks, then where they lie. */
  #placeIndexes(out: Uint8Array[]): RowGroupFacts[] {
    const columnIndexes = this.#groups.map(({ chunks }) =>
      chunks.map(({ facts }) => {
        const index = encodeColumnIndex(facts.leaf, facts.pages)
        return index && this.#place(out, [index])
      }),
    )
    return this.#groups.map((group, g) => {
      let at = group.start
      const chunks = group.chunks.map((chunk, c): PlacedChunk => {
        const { pages, dataStart, bytes } = chunk.facts
        const offsetIndex = this.#place(out, [encodeOffsetIndex(pages, at + dataStart)])
        at += bytes
        return { ...chunk, columnIndex: columnIndexes[g]![c]!, offsetIndex }
      })
      return { ...group, chunks }
    })
  }

  #place(out: Uint8Array[], parts: readonly Uint8Array[]): FileSpan {
    const start = this.#at
    for (const part of parts) {
      out.push(part)
      this.#at += part.length
    }
    return { start, bytes: this.#at - start }
  }
}

function columnOf(batch: ColumnBatch, field: ColumnField): Column {
  const index = batch.fields.findIndex(({ name }) => name === field.name)
  if (index < 0) {
    if (!field.nullable)
      throw new SluiceError('COLUMN_NOT_NULL', `column ${field.name} takes no nulls, and rows to be written lack it`, {
        where: { key: field.name },
      })
    return nullColumn(field.type, batch.length)
  }
  const column = batch.columns[index]!
  if (!sameType(column.type, field.type)) {
    throw new SluiceError('BUG', `a batch holds the column ${field.name} as ${column.type.kind}, not as declared`)
  }
  return column
}

function sameType(a: ColumnType, b: ColumnType): boolean {
  if (a.kind === 'decimal' && b.kind === 'decimal') return a.scale === b.scale && wide(a) === wide(b)
  if (a.kind === 'list' && b.kind === 'list') return sameType(a.element, b.element)
  if (a.kind === 'map' && b.kind === 'map') return sameType(a.value, b.value)
  if (a.kind === 'struct' && b.kind === 'struct') {
    const others = b.fields
    return (
      a.fields.length === others.length &&
      a.fields.every(({ name, type }, i) => name === others[i]!.name && sameType(type, others[i]!.type))
    )
  }
  return a.kind === b.kind
}

function wide(type: ColumnType & { readonly kind: 'decimal' }): boolean {
  return type.precision > MAX_INT64_PRECISION
}

/** Every row null. No row is present, so neither values nor children are ever looked at. */
function nullColumn(type: ColumnType, length: number): Column {
  return { type, length, validity: new Uint8Array(length), values: emptyValues(type) }
}

function emptyValues(type: ColumnType): ColumnValues {
  switch (type.kind) {
    case 'boolean':
      return { layout: 'bool', data: new Uint8Array(0) }
    case 'int32':
    case 'date':
      return { layout: 'int32', data: new Int32Array(0) }
    case 'int64':
    case 'timestamp':
      return { layout: 'int64', data: new BigInt64Array(0) }
    case 'float32':
      return { layout: 'float32', data: new Float32Array(0) }
    case 'float64':
      return { layout: 'float64', data: new Float64Array(0) }
    case 'decimal':
      return wide(type)
        ? { layout: 'decimal128', data: new Uint8Array(0) }
        : { layout: 'int64', data: new BigInt64Array(0) }
    case 'string':
    case 'binary':
      return { layout: 'bytes', offsets: new Int32Array(1), data: new Uint8Array(0) }
    case 'list':
      return { layout: 'list', offsets: new Int32Array(1), element: nullColumn(type.element, 0) }
    case 'map':
      return {
        layout: 'map',
        offsets: new Int32Array(1),
        keys: nullColumn({ kind: 'string' }, 0),
        value: nullColumn(type.value, 0),
      }
    case 'struct':
      return { layout: 'struct', children: type.fields.map((field) => nullColumn(field.type, 0)) }
  }
}
