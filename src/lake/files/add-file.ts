import type { StoredColumns } from '../../domain/stored-column.ts'
import type { DeletionVector } from '../deletion/deletion-vector.ts'
import type { AddAction, PartitionValues, TextMap } from '../log/action.ts'
import { isObject, parseLogJson } from '../log/log-json.ts'
import type { LogJson, LogObject } from '../log/log-json.ts'
import { ownPartitionValues, ownStatistics } from '../mapping/column-mapping.ts'

/** A data file as a commit brings it. A file of a snapshot serves too, as a restore needs. */
export interface NewFile {
  /** As in the log: relative to the table, URI-encoded; `storePath` gives the object's name. */
  readonly path: string
  /** Delta's text form of every partition column; null for a null value. */
  readonly partitionValues: PartitionValues
  readonly bytes: number
  readonly modificationTimeMs: number
  /** Without those that a deletion vector names; null where the log has no statistics. */
  readonly rows: number | null
  /** The statistics as JSON text, as in the log. */
  readonly statsText: string | null
  readonly tags: TextMap | null
  /** Rows of the file that are gone, as a file of a snapshot may have it; we write none. */
  readonly deletionVector?: DeletionVector | null
}

/** A data file that a version of the table holds. */
export interface AddFile extends NewFile {
  readonly deletionVector: DeletionVector | null
  readonly dataChange: boolean
  /** Parsed when asked for, and not kept; null where there are none or they are damaged. */
  readonly stats: FileStats | null
}

/** Delta's per-file statistics, of all rows of the file, deleted ones too. Values are in JSON form; integers beyond 2^53 are bigints. */
export interface FileStats {
  readonly rows: number | null
  readonly min: LogObject
  readonly max: LogObject
  readonly nulls: LogObject
}

/** What the log states of a file; texts and maps are taken from it when they are asked for. */
export class LoggedFile implements AddFile {
  readonly path: string
  readonly bytes: number
  readonly modificationTimeMs: number
  readonly dataChange: boolean
  readonly deletionVector: DeletionVector | null
  readonly #add: AddAction
  readonly #stored: StoredColumns | null
  #partitionValues: PartitionValues | undefined
  #rows: number | null | undefined

  /** With `stored`, partition values and statistics are told by the table's own names. */
  constructor(add: AddAction, stored: StoredColumns | null = null) {
    this.path = add.path
    this.bytes = add.bytes
    this.modificationTimeMs = add.modificationTimeMs
    this.dataChange = add.dataChange
    this.deletionVector = add.deletionVector
    this.#add = add
    this.#stored = stored
  }

  get partitionValues(): PartitionValues {
    if (this.#partitionValues === undefined) {
      const { partitionValues } = this.#add
      this.#partitionValues =
        this.#stored === null ? partitionValues : ownPartitionValues(partitionValues, this.#stored)
    }
    return this.#partitionValues
  }

  get statsText(): string | null {
    return this.#add.statsText
  }

  get tags(): TextMap | null {
    return this.#add.tags
  }

  get stats(): FileStats | null {
    if (lastParsed.of !== this) lastParsed = { of: this, stats: parseStats(this.statsText, this.#stored) }
    return lastParsed.stats
  }

  get rows(): number | null {
    if (this.#rows === undefined) {
      const rows = this.stats?.rows ?? null
      this.#rows = rows === null ? null : rows - (this.deletionVector?.cardinality ?? 0)
    }
    return this.#rows
  }
}

/** Those of a hundred thousand files, parsed, would be half a gigabyte, and callers ask one file after another. */
let lastParsed: { readonly of: LoggedFile | null; readonly stats: FileStats | null } = { of: null, stats: null }

function parseStats(text: string | null, stored: StoredColumns | null): FileStats | null {
  if (text === null || text === '') return null
  try {
    const stats = parseLogJson(text)
    if (!isObject(stats)) return null
    const rows = stats['numRecords']
    const own = (value: LogJson | undefined): LogObject =>
      stored === null ? objectOf(value) : ownStatistics(objectOf(value), stored.columns)
    return {
      rows: typeof rows === 'number' ? rows : null,
      min: own(stats['minValues']),
      max: own(stats['maxValues']),
      nulls: own(stats['nullCount']),
    }
  } catch {
    // Statistics are an aid: a file with damaged ones is read whole.
    return null
  }
}

/** How many rows of a file have no value in a top-level column, by its statistics; undefined where they do not tell. */
export function nullsIn(statsText: string | null): (column: string) => number | undefined {
  const nulls = parseStats(statsText, null)?.nulls ?? {}
  return (column) => {
    const count = Object.hasOwn(nulls, column) ? nulls[column] : undefined
    return typeof count === 'number' ? count : undefined
  }
}

function objectOf(value: LogJson | undefined): LogObject {
  return isObject(value) ? value : {}
}
