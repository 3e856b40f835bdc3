import { parquetMetadataAsync, parquetRead, parquetSchema } from 'hyparquet'
import type { AsyncBuffer, FileMetaData, RowGroup, SchemaElement } from 'hyparquet'
import type { ColumnField } from '../domain/column-batch.ts'
import { SluiceError } from '../domain/errors.ts'
import { MAGIC } from './encode/file-metadata.ts'
import { pageDecompressors } from './decode/page-decompressors.ts'
import { cellReader, EXACT_PARSERS } from './decode/read-cell.ts'
import type { ParquetCell } from './decode/read-cell.ts'
import { fieldOf, isDecimal } from './decode/read-schema.ts'
import { scanPages } from './decode/scan-pages.ts'

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
  readonly limits?: Partial<ParquetLimits>
}

/** What a file may claim before it is refused: a few bytes can claim billions of values. */
export interface ParquetLimits {
  readonly footerBytes: number
  /** Values and unpacked bytes of the columns read, in one row group. */
  readonly groupValues: number
  readonly groupBytes: number
}

export interface ParquetColumns {
  readonly rows: number
  readonly fields: readonly ColumnField[]
  /** In the order of `fields`. */
  readonly columns: readonly (readonly ParquetCell[])[]
  readonly keyValues: Readonly<Record<string, string>>
}

export type ParquetRow = Readonly<Record<string, ParquetCell>>

const LIMITS: ParquetLimits = { footerBytes: 1 << 28, groupValues: 1 << 26, groupBytes: 2 ** 31 }
const TAIL_BYTES = 8

interface OpenFile {
  readonly name: string
  readonly source: RangeSource
  readonly metadata: FileMetaData
  readonly fields: readonly ColumnField[]
  readonly limits: ParquetLimits
}

/** The whole file. */
export async function readParquetColumns(options: ParquetReadOptions): Promise<ParquetColumns> {
  const file = await openFile(options)
  const columns: ParquetCell[][] = file.fields.map(() => [])
  let rows = 0
  for (const group of file.metadata.row_groups) {
    const read = await readGroup(file, group)
    for (const [i, cells] of read.entries()) for (const cell of cells) columns[i]!.push(cell)
    rows += Number(group.num_rows)
  }
  const pairs = file.metadata.key_value_metadata ?? []
  const keyValues = Object.fromEntries(pairs.map(({ key, value }) => [key, value ?? '']))
  return { rows, fields: file.fields, columns, keyValues }
}

/** Row by row, holding one row group at a time. */
export async function* readParquetRows(options: ParquetReadOptions): AsyncGenerator<ParquetRow> {
  const file = await openFile(options)
  for (const group of file.metadata.row_groups) {
    const columns = await readGroup(file, group)
    for (let i = 0; i < Number(group.num_rows); i += 1) {
      yield Object.fromEntries(file.fields.map(({ name }, at) => [name, columns[at]![i]!]))
    }
  }
}

async function openFile({ source, name, columns, limits }: ParquetReadOptions): Promise<OpenFile> {
  const ranges = source instanceof Uint8Array ? rangesOf(source) : markingFailures(source)
  const bounds = { ...LIMITS, ...limits }
  return guarded(name, async () => {
    if (ranges.bytes < TAIL_BYTES + MAGIC.length) throw new RangeError('it is too short')
    const tail = Buffer.from(await ranges.read(ranges.bytes - TAIL_BYTES, ranges.bytes))
    if (!MAGIC.equals(tail.subarray(4))) throw new RangeError('it does not end as a Parquet file does')
    const footerBytes = tail.readUInt32LE(0)
    if (footerBytes > bounds.footerBytes) throw new RangeError(`its footer of ${footerBytes} bytes is too large`)
    const parsed = await parquetMetadataAsync(bufferOf(ranges), {
      parsers: EXACT_PARSERS,
      initialFetchSize: footerBytes + TAIL_BYTES,
      geoparquet: false,
    })
    const fields = selectFields(parsed, columns)
    return {
      name,
      source: ranges,
      fields,
      limits: bounds,
      metadata: { ...parsed, schema: parsed.schema.map(withoutDecimal) },
    }
  })
}

function selectFields(metadata: FileMetaData, columns: readonly string[] | undefined): ColumnField[] {
  const nodes = parquetSchema(metadata).children
  const wanted = columns ?? nodes.map(({ element }) => element.name)
  const fields: ColumnField[] = []
  for (const column of wanted) {
    const node = nodes.find(({ element }) => element.name === column)
    if (node === undefined) continue
    const field = fieldOf(node)
    if (field === null) throw new RangeError(`its column ${column} has a type that Sluice does not know`)
    fields.push(field)
  }
  return fields
}

/** The library turns decimals into floats; without the annotation it hands on the exact unscaled value. */
function withoutDecimal(element: SchemaElement): SchemaElement {
  if (!isDecimal(element)) return element
  const { converted_type: _, logical_type: __, ...rest } = element
  return rest
}

/** The selected columns of one row group, in the order of `file.fields`. */
async function readGroup(file: OpenFile, group: RowGroup): Promise<ParquetCell[][]> {
  const { fields, metadata } = file
  const rows = Number(group.num_rows)
  if (fields.length === 0 || rows === 0) return fields.map(() => [])
  return guarded(file.name, async () => {
    const names = fields.map(({ name }) => name)
    const buffer = await fetchChunks(file, group)
    const found = new Map<string, ParquetCell[]>(names.map((name) => [name, []]))
    const readers = new Map(fields.map(({ name, type }) => [name, cellReader(type)]))
    await parquetRead({
      file: buffer,
      metadata: { ...metadata, row_groups: [group], num_rows: group.num_rows },
      columns: names,
      compressors: pageDecompressors,
      parsers: EXACT_PARSERS,
      utf8: false,
      geoparquet: false,
      onChunk: ({ columnName, columnData }) => {
        const cells = found.get(columnName)!
        const read = readers.get(columnName)!
        for (let i = 0; i < columnData.length; i += 1) cells.push(read(columnData[i]))
      },
    })
    return names.map((name) => {
      const cells = found.get(name)!
      if (cells.length !== rows) throw new RangeError(`its column ${name} has ${cells.length} rows of ${rows}`)
      return cells
    })
  })
}

/** Reads the chunks of the selected columns, and checks what they claim before anything is made of it. */
async function fetchChunks({ source, fields, limits }: OpenFile, group: RowGroup): Promise<AsyncBuffer> {
  const names = new Set(fields.map(({ name }) => name))
  const chunks: { readonly start: number; readonly end: number; readonly values: number }[] = []
  for (const { meta_data: chunk } of group.columns) {
    if (chunk === undefined || !names.has(chunk.path_in_schema[0]!)) continue
    const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset)
    const end = start + Number(chunk.total_compressed_size)
    if (!(start >= 0 && end >= start && end <= source.bytes)) throw new RangeError('a column chunk lies outside of it')
    chunks.push({ start, end, values: Number(chunk.num_values) })
  }
  const claimed = chunks.reduce((sum, { values }) => sum + values, 0)
  if (claimed > limits.groupValues) throw new RangeError(`a row group of it claims ${claimed} values`)
  const first = Math.min(...chunks.map(({ start }) => start), source.bytes)
  const last = Math.max(...chunks.map(({ end }) => end), first)
  const bytes = await source.read(first, last)
  let rawBytes = 0
  for (const { start, end, values } of chunks) {
    const claims = scanPages(bytes.subarray(start - first, end - first), values)
    if (claims.values !== values) throw new RangeError('a column chunk of it lacks pages')
    rawBytes += claims.rawBytes
  }
  if (rawBytes > limits.groupBytes) throw new RangeError(`a row group of it unpacks to ${rawBytes} bytes`)
  const fetched = bufferOf(rangesOf(bytes))
  return {
    byteLength: source.bytes,
    slice: (start, end) => fetched.slice(start - first, (end ?? source.bytes) - first),
  }
}

function rangesOf(bytes: Uint8Array): RangeSource {
  return { bytes: bytes.length, read: (start, end) => Promise.resolve(bytes.subarray(start, end)) }
}

function bufferOf(source: RangeSource): AsyncBuffer {
  return {
    byteLength: source.bytes,
    slice: async (start, end) => {
      const bytes = await source.read(start, end ?? source.bytes)
      return Uint8Array.from(bytes).buffer
    },
  }
}

/** What the source itself throws says nothing of the file, and is handed on as it is. */
class SourceFailure extends Error {}

function markingFailures(source: RangeSource): RangeSource {
  return {
    bytes: source.bytes,
    read: async (start, end) => {
      try {
        return await source.read(start, end)
      } catch (error) {
        throw new SourceFailure('the source failed', { cause: error })
      }
    },
  }
}

async function guarded<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof SourceFailure) throw error.cause
    const reason = error instanceof Error ? error.message : String(error)
    throw new SluiceError('FILE_CORRUPT', `the Parquet file ${name} cannot be read: ${reason}`, {
      where: { file: name },
      cause: error,
    })
  }
}
