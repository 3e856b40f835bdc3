import { parquetMetadata, parquetSchema } from 'hyparquet'
import type { ColumnChunk, FileMetaData, RowGroup, SchemaTree } from 'hyparquet'
import type { Column, ColumnBatch, ColumnField } from '../domain/column-batch.ts'
import { SluiceError } from '../domain/errors.ts'
import { assembleColumn } from './decode/assemble-column.ts'
import { readChunk } from './decode/read-chunk.ts'
import type { LeafStream } from './decode/read-chunk.ts'
import { fieldOf } from './decode/read-schema.ts'
import { fixedBytes } from './decode/read-values.ts'
import type { Budget } from './decode/stored-values.ts'
import { MAGIC } from './encode/file-metadata.ts'

/** Where a file's bytes come from: all of them, or a reader of ranges `[start, end)`. */
export type ParquetSource = Uint8Array | RangeSource

export interface RangeSource {
  readonly bytes: number
  read(start: number, end: number): Promise<Uint8Array>
}

export interface ParquetReadOptions {
  readonly source: ParquetSource
  /** Names the file in errors. */
  readonly name: string
  /** Top-level columns to read, in this order; those that the file lacks are left out. All by default. */
  readonly columns?: readonly string[]
  /** Children of struct columns, as `add.stats`, that are left out of them and decoded when asked for. */
  readonly lazy?: readonly string[]
  readonly limits?: Partial<ParquetLimits>
  /** Row groups that lie wholly before this many rows are not read. */
  readonly skipRows?: number
  /** Row groups come from the last to the first, and only those that this is true of when their turn comes. */
  readonly backwards?: (bounds: GroupBounds) => boolean
}

/** The least and the greatest value of a column in a row group, as the footer states them; null where it does not. */
export type GroupBounds = (column: string) => { readonly min: GroupBound; readonly max: GroupBound } | null
/** As hyparquet reads statistics. */
type GroupBound = NonNullable<NonNullable<NonNullable<ColumnChunk['meta_data']>['statistics']>['min_value']>

/** A row group, and the row that it begins at, from 0. */
export interface ParquetGroup {
  readonly first: number
  readonly batch: ColumnBatch
  /** Of `lazy`, those that the file has: each call decodes it anew, and throws FILE_CORRUPT as the reading does. */
  readonly lazy: ReadonlyMap<string, () => Column>
}

/** What a file may claim before it is refused: a few bytes can claim billions of values. */
export interface ParquetLimits {
  readonly footerBytes: number
  /** Values, and bytes made of them, of the columns read in one row group. */
  readonly groupValues: number
  readonly groupBytes: number
}

const LIMITS: ParquetLimits = { footerBytes: 2 ** 28, groupValues: 2 ** 27, groupBytes: 2 ** 32 }
const TAIL_BYTES = 8

interface OpenFile {
  readonly name: string
  readonly source: RangeSource
  readonly metadata: FileMetaData
  readonly columns: readonly FileColumn[]
  /** By name, with the one child that is decoded when asked for. */
  readonly lazy: ReadonlyMap<string, FileColumn>
  readonly limits: ParquetLimits
}

interface FileColumn {
  readonly field: ColumnField
  readonly node: SchemaTree
  readonly leaves: readonly FileLeaf[]
}

interface FileLeaf {
  /** Where the leaf's chunk stands among those of a row group. */
  readonly chunk: number
  readonly maxDefinition: number
  readonly maxRepetition: number
  readonly typeLength: number | undefined
}

/** A batch for each row group. */
export async function* readParquetBatches(options: ParquetReadOptions): AsyncGenerator<ColumnBatch> {
  for await (const { batch } of readParquetGroups(options)) yield batch
}

export async function* readParquetGroups(options: ParquetReadOptions): AsyncGenerator<ParquetGroup> {
  const file = await openFile(options)
  const { skipRows: skip = 0, backwards } = options
  let first = 0
  const groups = file.metadata.row_groups.map((group) => {
    const rows = Number(group.num_rows)
    first += rows
    return { group, first: first - rows, next: first }
  })
  for (const { group, first, next } of backwards === undefined ? groups : groups.toReversed()) {
    const isWanted = backwards === undefined || backwards((column) => boundsOf(group, column))
    if (isWanted && (next > skip || skip === 0)) yield { first, ...(await readGroup(file, group)) }
  }
}

/** Of a top-level column that is no struct and no list. */
function boundsOf({ columns }: RowGroup, column: string): ReturnType<GroupBounds> {
  const chunk = columns.find(({ meta_data: meta }) => meta?.path_in_schema.join('.') === column)
  const { min_value: min, max_value: max } = chunk?.meta_data?.statistics ?? {}
  return min === undefined || min === null || max === undefined || max === null ? null : { min, max }
}

/** The columns of a file, from its footer alone. */
export async function describeParquetFile(options: ParquetReadOptions): Promise<readonly ColumnField[]> {
  return (await openFile(options)).columns.map(({ field }) => field)
}

async function openFile({ source, name, columns, lazy = [], limits }: ParquetReadOptions): Promise<OpenFile> {
  const ranges = source instanceof Uint8Array ? rangesOf(source) : source
  const bounds = { ...LIMITS, ...limits }
  const length = Math.min(ranges.bytes, TAIL_BYTES)
  const tail = Buffer.from(await ranges.read(ranges.bytes - length, ranges.bytes))
  const footerBytes = guarded(name, () => {
    if (ranges.bytes < TAIL_BYTES + MAGIC.length) throw new RangeError('it is too short')
    if (!MAGIC.equals(tail.subarray(4))) throw new RangeError('it does not end as a Parquet file does')
    const bytes = tail.readUInt32LE(0)
    if (bytes > bounds.footerBytes) throw new RangeError(`its footer of ${bytes} bytes is too large`)
    if (bytes > ranges.bytes - TAIL_BYTES - MAGIC.length) throw new RangeError('its footer is longer than the file')
    return bytes
  })
  const footer = await ranges.read(ranges.bytes - footerBytes - TAIL_BYTES, ranges.bytes)
  return guarded(name, () => {
    const metadata = parquetMetadata(Uint8Array.from(footer), { geoparquet: false })
    return { name, source: ranges, metadata, ...selectColumns(metadata, columns, lazy), limits: bounds }
  })
}

function selectColumns(
  metadata: FileMetaData,
  names: readonly string[] | undefined,
  later: readonly string[],
): Pick<OpenFile, 'columns' | 'lazy'> {
  const nodes = parquetSchema(metadata).children
  const leaves = new Map<SchemaTree, FileLeaf[]>()
  let chunk = 0
  const visit = (node: SchemaTree, above: { readonly definition: number; readonly repetition: number }): FileLeaf[] => {
    const { repetition_type: repetition, type_length: typeLength } = node.element
    const definition = above.definition + (repetition === 'REQUIRED' ? 0 : 1)
    const levels = { definition, repetition: above.repetition + (repetition === 'REPEATED' ? 1 : 0) }
    const found =
      node.children.length > 0
        ? node.children.flatMap((child) => visit(child, levels))
        : [{ chunk: chunk++, maxDefinition: definition, maxRepetition: levels.repetition, typeLength }]
    leaves.set(node, found)
    return found
  }
  for (const node of nodes) visit(node, { definition: 0, repetition: 0 })
  const selected: FileColumn[] = []
  const lazy = new Map<string, FileColumn>()
  const columnOf = (node: SchemaTree, keep: (child: SchemaTree) => boolean): FileColumn | null => {
    const children = node.children.filter(keep)
    const part = children.length === node.children.length ? node : { ...node, children }
    const field = part.children.length === 0 && node.children.length > 0 ? null : fieldOf(part)
    if (field === null) return null
    return {
      field,
      node: part,
      leaves: part === node ? leaves.get(node)! : children.flatMap((each) => leaves.get(each)!),
    }
  }
  for (const name of names ?? nodes.map(({ element }) => element.name)) {
    const node = nodes.find(({ element }) => element.name === name)
    if (node === undefined) continue
    const isLater = ({ element }: SchemaTree): boolean => later.includes(`${name}.${element.name}`)
    const column = columnOf(node, (child) => !isLater(child))
    if (column === null) throw new RangeError(`its column ${name} has a type that Sluice does not know`)
    selected.push(column)
    for (const child of node.children.filter(isLater)) {
      const alone = columnOf(node, (each) => each === child)
      if (alone !== null) lazy.set(`${name}.${child.element.name}`, alone)
    }
  }
  return { columns: selected, lazy }
}

interface ChunkSpan {
  readonly start: number
  readonly end: number
  readonly entries: number
}

async function readGroup(file: OpenFile, group: RowGroup): Promise<Omit<ParquetGroup, 'first'>> {
  const { name, source, columns, limits } = file
  const rows = Number(group.num_rows)
  const all = [...columns, ...file.lazy.values()]
  const spans = guarded(name, () => chunkSpans(file, group, all))
  const flat = [...spans.values()].flat()
  const first = flat.reduce((least, { start }) => Math.min(least, start), source.bytes)
  const last = flat.reduce((most, { end }) => Math.max(most, end), first)
  const bytes = flat.length === 0 ? new Uint8Array(0) : await source.read(first, last)
  const decode = (column: FileColumn, budget: Budget): Column => {
    const streams = column.leaves.map((leaf, k): LeafStream => {
      const { start, end, entries } = spans.get(column)![k]!
      const { type: physical, codec } = metaOf(group.columns[leaf.chunk])
      return readChunk({
        bytes: bytes.subarray(start - first, end - first),
        codec,
        entries,
        type: { physical, size: fixedBytes(physical, leaf.typeLength) },
        maxDefinition: leaf.maxDefinition,
        maxRepetition: leaf.maxRepetition,
        budget,
      })
    })
    return readColumn(column, streams, rows, budget)
  }
  const budget: Budget = { bytes: limits.groupBytes }
  const decoded = guarded(name, () => columns.map((column) => decode(column, budget)))
  const lazy = Array.from(file.lazy, ([path, column]): [string, () => Column] => [
    path,
    () => guarded(name, () => onlyChild(decode(column, { bytes: limits.groupBytes }))),
  ])
  const batch = { length: rows, fields: columns.map(({ field }) => field), columns: decoded }
  return { batch, lazy: new Map(lazy) }
}

function onlyChild({ values }: Column): Column {
  const child = values.layout === 'struct' ? values.children[0] : undefined
  if (child === undefined) throw new RangeError('a struct of it has no such child')
  return child
}

function readColumn(column: FileColumn, streams: readonly LeafStream[], rows: number, budget: Budget): Column {
  return assembleColumn({ node: column.node, type: column.field.type, streams, rows, budget })
}

/** Where the chunks of the selected columns lie, checked before anything is read of them. */
function chunkSpans(
  { source, limits }: OpenFile,
  group: RowGroup,
  columns: readonly FileColumn[],
): ReadonlyMap<FileColumn, readonly ChunkSpan[]> {
  let claimed = 0
  const spans = columns.map((column): [FileColumn, ChunkSpan[]] => [
    column,
    column.leaves.map((leaf): ChunkSpan => {
      const meta = metaOf(group.columns[leaf.chunk])
      // Some writers state no dictionary page, or state it at 0.
      const start = Number(meta.dictionary_page_offset || meta.data_page_offset)
      const end = start + Number(meta.total_compressed_size)
      if (!(start >= 0 && end >= start && end <= source.bytes))
        throw new RangeError('a column chunk lies outside of it')
      const entries = Number(meta.num_values)
      if (!(entries >= 0)) throw new RangeError('a column chunk of it claims an impossible count')
      claimed += entries
      return { start, end, entries }
    }),
  ])
  if (claimed > limits.groupValues) throw new RangeError(`a row group of it claims ${claimed} values`)
  return new Map(spans)
}

function metaOf(chunk: ColumnChunk | undefined): NonNullable<ColumnChunk['meta_data']> {
  if (chunk?.meta_data === undefined) throw new RangeError('a column chunk of it is not described')
  if (chunk.file_path !== undefined) throw new RangeError('its columns lie in other files')
  return chunk.meta_data
}

function rangesOf(bytes: Uint8Array): RangeSource {
  return { bytes: bytes.length, read: (start, end) => Promise.resolve(bytes.subarray(start, end)) }
}

/** Whatever fails while a file's bytes are taken apart means that the file is damaged. */
function guarded<T>(name: string, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (error instanceof SluiceError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new SluiceError('FILE_CORRUPT', `the Parquet file ${name} cannot be read: ${reason}`, {
      where: { file: name },
      cause: error,
    })
  }
}
