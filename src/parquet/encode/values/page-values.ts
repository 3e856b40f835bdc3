import type { Column } from '../../../domain/column-batch.ts'
import type { ColumnBounds } from './column-bounds.ts'
import type { Shredded } from '../shred.ts'

/** The present values of the page being filled. Typed arrays are read in the machine's order, which is little-endian. */
export interface PageValues {
  append(values: Shredded): void
  /** Bytes that the page holds so far, about. */
  readonly bytes: number
  /** Bytes that `encode` writes at most. */
  readonly bound: number
  /** Writes the page's values; `bounds` first, then `clear`. */
  encode(out: Uint8Array, at: number): EncodedValues
  bounds(): ColumnBounds | null
  /** The page's values in PLAIN encoding; null where they are in the dictionary. */
  plain(): Uint8Array | null
  /** Whether NaN was among the page's values. */
  nan(): boolean
  clear(): void
  /** The dictionary that earlier pages of this chunk need, if any. Ends the chunk. */
  takeDictionary(): DictionaryPage | null
  /** Gives back the page's room, once the last page is out. */
  release(): void
}

export interface EncodedValues {
  readonly end: number
  readonly encoding: ValueEncoding
}

export type ValueEncoding = 'PLAIN' | 'RLE_DICTIONARY' | PackedEncoding
export type PackedEncoding = 'DELTA_BINARY_PACKED' | 'DELTA_LENGTH_BYTE_ARRAY'

export interface DictionaryPage {
  readonly plain: Uint8Array
  readonly count: number
}

/** Some entries of a column, in order: those that `indexes` names, or the run of `count` from `start` where it is null. */
export interface Picked {
  readonly column: Column
  readonly indexes: Int32Array | null
  readonly start: number
  readonly count: number
}

/** Values of one type in PLAIN encoding. */
export interface PlainValues {
  readonly count: number
  /** Of all values so far. */
  readonly bytes: number
  append(picked: Picked): void
  /** Takes values that are in PLAIN encoding already. */
  appendEncoded(plain: Uint8Array, count: number): void
  /** All values so far, in PLAIN encoding. */
  encoded(): Uint8Array
  /** How `packInto` writes them. */
  readonly packing: PackedEncoding
  /** Bytes that `packInto` writes at most. */
  readonly packedBound: number
  /** Writes the values packed and returns the end; null where they cannot be, or it hardly pays. */
  packInto(out: Uint8Array, at: number): number | null
  bounds(): ColumnBounds | null
  nan(): boolean
  clear(): void
  /** Gives back the room. */
  release(): void
}
