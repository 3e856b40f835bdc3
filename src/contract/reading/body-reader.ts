import type { Column, ColumnField } from '../../domain/column-batch.ts'
import type { Contract, UnknownFieldMode } from '../../domain/contract.ts'
import type { JsonValue } from '../../domain/dead-letter.ts'
import type { RegisteredSchema } from '../../ports/schema-registry.ts'
import type { ColumnBuilder } from '../columns/builder.ts'
import type { PrivateNames } from '../privacy/private-names.ts'
import type { RowState } from './row-state.ts'

/** One record's body: a span of the batch's bytes. */
export interface Body {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** Bodies of one format, read into the contract's columns. */
export interface BodyReader {
  /** True where `read` applies the contract's rules itself. */
  readonly checksRules: boolean
  /** Before each batch. */
  begin(): void
  /** Appends one row. False where the body could not be read to its end: columns may then be uneven, and DECODE is noted. */
  read(writer: RegisteredSchema, body: Body): boolean
  /** Null in every column that mode evolve added, for a tombstone. */
  appendNulls(): void
  truncate(rows: number): void
  /** The record for a dead letter, PII masked; null where it cannot be decoded. */
  show(writer: RegisteredSchema, body: Body): JsonValue
  /** What mode evolve added. */
  finish(): { readonly fields: readonly ColumnField[]; readonly columns: readonly Column[] }
}

export interface ReaderOptions {
  readonly contract: Contract
  readonly mode: UnknownFieldMode
  /** In the order of the contract's fields. */
  readonly builders: readonly ColumnBuilder[]
  readonly row: RowState
  readonly evolved: readonly ColumnField[]
  /** Mode evolve makes no column of what must not land. */
  readonly privateNames: PrivateNames
}
