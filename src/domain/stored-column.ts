/** What data files call a column of a table, where that is not its own name. */
export interface StoredColumn {
  /** As the table calls it. */
  readonly name: string
  readonly storedName: string
  /** Parquet's `field_id`; null where the table states none. */
  readonly id: number | null
  /** Fields of the struct that it is, or that its lists and maps hold; none where it holds no struct. */
  readonly inside: readonly StoredColumn[]
}

export interface StoredColumns {
  /** What a file's columns are found by: their names, or their ids, where names of files tell nothing. */
  readonly by: 'name' | 'id'
  readonly columns: readonly StoredColumn[]
}
