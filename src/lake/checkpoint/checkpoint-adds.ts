import type { Column } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import { cellsOf } from '../../parquet/decode/read-cell.ts'
import type { ParquetCell } from '../../parquet/decode/read-cell.ts'
import type { AddAction, PartitionValues, TextMap } from '../log/action.ts'
import { writeLogJson, type LogObject } from '../log/log-json.ts'
import { damagedEntry, LAST_TIME_MS } from '../log/read-action.ts'

/** How a file of a checkpoint's row group is read. A child that the file lacks reads as null. */
interface AddCells {
  readonly source: string
  readonly path: CellReader
  readonly partitionValues: CellReader
  readonly hasPartitionValues: (row: number) => boolean
  readonly size: CellReader
  readonly modificationTime: CellReader
  readonly dataChange: CellReader
  readonly tags: CellReader
  readonly stats: CellReader
  readonly statsParsed: StatsReader
}

type CellReader = (row: number) => ParquetCell
type StatsReader = (row: number) => LogObject | null

/** The child columns that are most of a checkpoint's bytes: decoded a row group at a time, when a file is asked for them. */
export const LAZY_STATS = ['add.stats', 'add.stats_parsed']

/** What was decoded last: files are asked for their statistics in the order in which they stand. */
export class StatsShelf<T> {
  readonly #open: (column: Column) => (row: number) => T | null
  #decode: (() => Column) | null = null
  #read: (row: number) => T | null = () => null

  constructor(open: (column: Column) => (row: number) => T | null) {
    this.#open = open
  }

  reader(decode: (() => Column) | undefined): (row: number) => T | null {
    if (decode === undefined) return () => null
    return (row) => {
      if (this.#decode !== decode) {
        this.#read = readerOf(decode, this.#open)
        this.#decode = decode
      }
      return this.#read(row)
    }
  }
}

/** Statistics are an aid: files whose part of the checkpoint is damaged there are read whole, as those without any. */
function readerOf<T>(
  decode: () => Column,
  open: (column: Column) => (row: number) => T | null,
): (row: number) => T | null {
  try {
    return open(decode())
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'FILE_CORRUPT') return () => null
    throw error
  }
}

export interface AddColumn {
  /** `add` without its statistics. */
  readonly column: Column
  readonly stats: CellReader
  readonly statsParsed: StatsReader
  /** Names the checkpoint in errors. */
  readonly source: string
}

/** By row of the column `add` of a row group: the file, in which texts and maps are read from the column when asked for. */
export function addsOf({ column, stats, statsParsed, source }: AddColumn): (row: number) => AddAction {
  const { type, values } = column
  const children = values.layout === 'struct' && type.kind === 'struct' ? values.children : []
  const child = (name: string): CellReader => {
    const at = type.kind === 'struct' ? type.fields.findIndex((field) => field.name === name) : -1
    return children[at] === undefined ? () => null : cellsOf(children[at])
  }
  const at = type.kind === 'struct' ? type.fields.findIndex(({ name }) => name === 'partitionValues') : -1
  const partitions = children[at]
  const cells: AddCells = {
    source,
    hasPartitionValues: (row) => partitions?.type.kind === 'map' && partitions.validity?.[row] !== 0,
    path: child('path'),
    partitionValues: child('partitionValues'),
    size: child('size'),
    modificationTime: child('modificationTime'),
    dataChange: child('dataChange'),
    tags: child('tags'),
    stats,
    statsParsed,
  }
  return (row) => new CheckpointAdd(cells, row)
}

/** A file without a deletion vector. */
class CheckpointAdd implements AddAction {
  readonly path: string
  readonly bytes: number
  readonly modificationTimeMs: number
  readonly dataChange: boolean
  readonly deletionVector = null
  readonly #cells: AddCells
  readonly #row: number

  constructor(cells: AddCells, row: number) {
    const path = cells.path(row)
    const size = cells.size(row)
    const time = cells.modificationTime(row)
    const dataChange = cells.dataChange(row)
    if (typeof path !== 'string') throw damaged(cells, 'path')
    if (!isNumber(size) || !Number.isSafeInteger(Number(size)) || size < 0) throw damaged(cells, 'size')
    if (time !== null && (!isNumber(time) || Math.abs(Number(time)) > LAST_TIME_MS))
      throw damaged(cells, 'modificationTime')
    if (!cells.hasPartitionValues(row)) throw damaged(cells, 'partitionValues')
    this.path = path
    this.bytes = Number(size)
    this.modificationTimeMs = Number(time ?? 0)
    this.dataChange = dataChange !== false
    this.#cells = cells
    this.#row = row
  }

  /** An empty text stands for null (PROTOCOL, "Partition Value Serialization"). */
  get partitionValues(): PartitionValues {
    const map = this.#cells.partitionValues(this.#row)
    if (map === null) return {}
    if (!(map instanceof Map)) throw damaged(this.#cells, 'partitionValues')
    return Object.fromEntries(
      Array.from(map, ([key, value]) => [key, typeof value === 'string' && value !== '' ? value : null]),
    )
  }

  get tags(): TextMap | null {
    const map = this.#cells.tags(this.#row)
    if (!(map instanceof Map)) return null
    return Object.fromEntries(
      Array.from(map).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
    )
  }

  /** A checkpoint may state statistics as a struct only (`delta.checkpoint.writeStatsAsJson=false`). */
  get statsText(): string | null {
    const text = this.#cells.stats(this.#row)
    if (typeof text === 'string') return text
    const parsed = this.#cells.statsParsed(this.#row)
    if (parsed === null) return null
    const { numRecords = null, minValues = {}, maxValues = {}, nullCount = {} } = parsed
    return writeLogJson({ numRecords, minValues, maxValues, nullCount })
  }
}

function isNumber(cell: ParquetCell): cell is bigint | number {
  return typeof cell === 'bigint' || typeof cell === 'number'
}

function damaged({ source }: AddCells, key: string): Error {
  return damagedEntry(source, `add.${key} is missing or of the wrong type`)
}
