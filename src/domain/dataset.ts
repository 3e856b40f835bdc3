import type { ColumnField } from './column-batch.ts'

/** What jobs read and write, as lineage tells it. */

export interface JobDataset {
  readonly kind: 'source' | 'topic' | 'table'
  /** A source's or topic's name, or `layer.table`. */
  readonly name: string
}

/** `[first, next)` of one partition. */
export interface DatasetOffsets {
  readonly partition: number
  readonly first: bigint
  readonly next: bigint
}

export interface DatasetRead extends JobDataset {
  readonly rows?: number
  readonly offsets?: readonly DatasetOffsets[]
  /** Of a table: the version that was read. */
  readonly version?: number
  readonly fields?: readonly ColumnField[]
}

export interface DatasetWritten extends JobDataset {
  readonly rows: number
  readonly bytes?: number
  readonly files?: number
  readonly offsets?: readonly DatasetOffsets[]
  readonly version?: number
  readonly fields?: readonly ColumnField[]
  readonly columns?: ColumnLineage
}

/** From which columns of its inputs each column of a table is made, as far as the text of its SELECT tells. */
export interface ColumnLineage {
  readonly columns: ReadonlyMap<string, readonly ColumnOrigin[]>
  /** What decides which rows there are: filters, joins, grouping, order. */
  readonly rows: readonly ColumnOrigin[]
}

export interface ColumnOrigin {
  /** `layer.table`. */
  readonly table: string
  readonly column: string
  readonly how: 'identity' | 'transformation' | 'aggregation' | 'join' | 'filter' | 'group_by' | 'sort' | 'window'
}
