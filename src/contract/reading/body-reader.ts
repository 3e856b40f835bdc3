import type { Column, ColumnField } from '../../domain/column-batch.ts'
import type { Contract, UnknownFieldMode } from '../../domain/contract.ts'
import type { JsonValue } from '../../domain/dead-letter.ts'
import type { JsonBytes } from '../../domain/json-bytes.ts'
import type { RegisteredSchema } from '../../ports/schema-registry.ts'
import type { FieldRules } from '../../domain/contract.ts'
import type { RecordBatch } from '../../domain/record-batch.ts'
import type { ColumnBuilder } from '../columns/builder.ts'
import type { BytesBuilder } from '../columns/bytes-builder.ts'
import type { RuleCheck } from '../rules/check-rules.ts'
import type { PrivateNames } from '../privacy/private-names.ts'
import type { RowState } from './row-state.ts'

/** One record's body: a span of the batch's bytes. */
export interface Body {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** Records of a batch that one schema wrote, to be read at a stretch. */
export interface Stretch {
  readonly batch: RecordBatch
  /** The first record to read. */
  readonly from: number
  /** Takes the index of each record that passes, from `passed` on. */
  readonly rows: Int32Array
  readonly rescued: BytesBuilder
  /** Rows so far; moves on. */
  passed: number
  /** Where the record that was not taken was given up, for `readRest`; -1 where nothing is known of it. */
  gaveUp: number
}

/** Bodies of one format, read into the contract's columns. */
export interface BodyReader {
  /** Before each batch. */
  begin(): void
  /** Appends one row; of a format whose schema holds the rules, judged by them. False where the body could not be read to its end: columns may then be uneven, and DECODE is noted. */
  read(writer: RegisteredSchema, body: Body): boolean
  /**
   * Appends a row for each record from `from` on that surely passes, rules and all, and returns the first that was not
   * taken: another schema's, a tombstone, or one that `read` must judge. Leaves no trace of that one. Absent where a
   * format has no faster way than `read`.
   */
  readStretch?(writer: RegisteredSchema, stretch: Stretch): number
  /**
   * What `read` does, of a record that a stretch gave up: only what stands from there on is read, since the rest keeps
   * every rule. Answers which columns it appended to, ascending; null where `read` answers false.
   */
  readRest?(writer: RegisteredSchema, body: Body, gaveUp: number): readonly number[] | null
  /** Null in every column that mode evolve added, for a tombstone. */
  appendNulls(): void
  truncate(rows: number): void
  /** The record for a dead letter, PII masked; null where it cannot be decoded. */
  show(writer: RegisteredSchema, body: Body): JsonValue
  /** Appends what `JSON.stringify` makes of `show`. */
  showInto(out: JsonBytes, writer: RegisteredSchema, body: Body): void
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
  /** In the order of the contract's fields: the contract's rules, and those that suites add. */
  readonly rules: readonly (readonly FieldRules[])[]
  /** The same rules as checks that tell, in the same order. */
  readonly checks: readonly (readonly RuleCheck[])[]
  /** Mode evolve makes no column of what must not land. */
  readonly privateNames: PrivateNames
}
