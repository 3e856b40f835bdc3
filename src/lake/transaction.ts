import type { ColumnField } from '../domain/column-batch.ts'
import type { JsonValue } from '../domain/dead-letter.ts'
import type { Happening } from '../domain/events.ts'
import type { Clock } from '../ports/clock.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { AddFile, NewFile } from './files/add-file.ts'
import type { CommitReads } from './conflict.ts'
import type { TextMap } from './log/action.ts'
import type { Snapshot } from './snapshot.ts'

/** One change of a table, all or nothing. */
export interface Transaction {
  /** Rooted at the table. */
  readonly store: ObjectStore
  /** What the change was prepared against; null makes the table. */
  readonly snapshot: Snapshot | null
  /** Needed exactly where `snapshot` is null. */
  readonly create?: NewTable
  readonly metadata?: MetadataChange
  /** Durable already. */
  readonly adds: readonly NewFile[]
  readonly removes: readonly AddFile[]
  readonly txns: ReadonlyMap<string, bigint>
  /** Compare-and-set: each must stand so in the snapshot and after every commit in between; null for none (I3). */
  readonly expectTxns: ReadonlyMap<string, bigint | null>
  readonly reads: CommitReads
  /** False where the rows of the table stay the same (compaction). */
  readonly dataChange: boolean
  readonly operation: Operation
  readonly clock: Clock
  readonly onEvent?: (fact: CommitFact) => void
  /** How long to go on against other writers and a store that does not answer. */
  readonly maxWaitMs?: number
}

export interface NewTable {
  readonly fields: readonly ColumnField[]
  readonly partitionColumns: readonly string[]
  readonly configuration: TextMap
  readonly name?: string
}

/** What is not named stays. Fields that stay keep their metadata; the table keeps its id and partition columns. */
export interface MetadataChange {
  readonly fields?: readonly ColumnField[]
  readonly configuration?: TextMap
}

export interface Operation {
  readonly name: string
  readonly parameters: Readonly<Record<string, JsonValue>>
  readonly metrics: Readonly<Record<string, string | number | bigint>>
}

type FactType = 'commit.done' | 'commit.conflicted' | 'checkpoint.written' | 'log.cleaned' | 'warning'
type WithoutTable<T> = T extends unknown ? Omit<T, 'table'> : never

/** What happened; the caller knows the table's name. */
export type CommitFact = WithoutTable<Extract<Happening, { readonly type: FactType }>>
