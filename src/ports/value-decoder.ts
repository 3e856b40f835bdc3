import type { DescribedColumn, SourceValue } from './source-connector.ts'

/** Makes values of what a foreign log's records hold as bytes: JSON, or what a schema of its own registry tells. */
export interface ValueDecoder {
  /** A promise only where a schema must be fetched first. Throws what its registry throws. */
  decode(bytes: Uint8Array): DecodedValue | Promise<DecodedValue>
}

export type DecodedValue =
  | {
      readonly kind: 'value'
      readonly value: SourceValue
      /** Columns that the value's own schema declares; null where it has none, or is no record. */
      readonly columns: readonly DescribedColumn[] | null
    }
  /** No value can be made of the bytes; says why without quoting them. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unknown_schema'; readonly id: number }
