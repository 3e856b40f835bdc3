import type { ColumnType } from '../domain/column-batch.ts'
import type { RecordHeader } from '../domain/dead-letter.ts'

/**
 * A source yields values with coordinates; only `extract` encodes, produces and moves the watermark.
 * `test/conformance/source-connector.ts` states its promises; every connector passes it.
 */
export interface SourceConnector {
  /** What the source offers: for `contract infer`, `doctor` and for naming what is missing. */
  discover(): Promise<SourceDescription>
  /**
   * Batches behind `from`, in an order that a restart repeats. Each batch carries the progress that stands once its
   * rows are in the log. Ends when the source has nothing more now, or at `to`. Throws SOURCE_FILE_CHANGED,
   * SOURCE_UNREADABLE or SOURCE_REFUSED (a person acts), SOURCE_UNAVAILABLE (worth a retry), and SOURCE_NO_RANGE for a
   * `to` where rows have no watermark.
   */
  read(from: ReadonlyMap<string, string>, bounds?: ReadBounds): AsyncIterable<SourceBatch>
  close(): Promise<void>
}

export interface ReadBounds {
  /** Only rows whose watermark is less than this text of its column: a range that is read again (backfill). */
  readonly to?: string
  readonly signal?: AbortSignal
}

export interface SourceDescription {
  readonly objects: readonly DescribedObject[]
}

/** A file, a table, a topic. */
export interface DescribedObject {
  readonly name: string
  readonly columns: readonly DescribedColumn[]
  /** Columns that name a row, where the source declares them; else empty. */
  readonly key: readonly string[]
  readonly bytes: number | null
}

export interface DescribedColumn {
  readonly name: string
  /** In the source's own words; null where it declares none. */
  readonly type: string | null
  /** What holds every value of it; null where the source declares none, or only text does. */
  readonly holds: ColumnType | null
  /** Null where the source does not say. */
  readonly nullable: boolean | null
}

/** A column of a source that declares nothing but names. */
export function undeclaredColumn(name: string): DescribedColumn {
  return { name, type: null, holds: null, nullable: null }
}

/** A value as the source gave it: text where the source has only text; exact where it has exact numbers. */
export type SourceValue =
  | null
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | Date
  | readonly SourceValue[]
  | { readonly [key: string]: SourceValue }

export interface SourceRow {
  /** By position as in `columns`. */
  readonly values: readonly SourceValue[]
  /** 1-based line of the file, or the key as text. */
  readonly at: string
  readonly op: 'c' | 'u' | 'd' | 'r'
  /** What travels in place of the encoded values, which then only make the key. */
  readonly payload?: RowPayload
  /** The record's own time, for a source that keeps one; else that of the append. */
  readonly timestampMs?: number
  /** The record's key as it is, for a source whose rows bring one; else that of the source's key columns. */
  readonly key?: Uint8Array | null
  /** Of the record; they come before those that extract adds, and one of theirs is not added again. */
  readonly headers?: readonly RecordHeader[]
  /** Where it stood in a source that has partitions: rows without a key that shared one share one of the topic too. */
  readonly partition?: number
}

export type RowPayload =
  /** The record's value as it is, framing included. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A body written elsewhere, behind the frame of the topic's own schema. */
  | { readonly kind: 'body'; readonly bytes: Uint8Array }
  /** No value at all: the key is deleted. */
  | { readonly kind: 'tombstone' }

/** What the source holds at a place, but no record can be made of. */
export interface SourceRefusal {
  readonly at: string
  readonly message: string
  readonly raw: Uint8Array
}

export interface SourceBatch {
  /** The file relative to the source's root, or the table. */
  readonly object: string
  readonly columns: readonly string[]
  /** True where the source has text only (CSV), so that types come from the contract and '' may stand for null. */
  readonly textual: boolean
  readonly rows: readonly SourceRow[]
  readonly refused: readonly SourceRefusal[]
  /** Entries of the source's state to set with this batch; null removes one. */
  readonly progress: ReadonlyMap<string, string | null>
  /** What a person should know of the source: told as warnings, once a run. A batch may hold nothing else. */
  readonly notes?: readonly string[]
}
