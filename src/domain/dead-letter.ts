/** A refused record: why, where it was, and its bytes. DESIGN §1 "Error lane" fixes the names of the fields. */

export type LetterStage = 'connect' | 'contract' | 'gate'

export interface RuleBreach {
  /** A code of the row-level list below, stable for programs. */
  readonly code: BreachCode
  /** Dotted path of the field, or null where the record as a whole is at fault. */
  readonly field: string | null
  /** The rule in the contract's own words, e.g. `required`, `pattern ^[A-Z]{3}$`, `wire`. */
  readonly rule: string
  /** One sentence; never quotes a value of a field that the contract tags as PII (I13). */
  readonly message: string
}

export type BreachCode =
  | 'WIRE_FORMAT' // no magic byte, too short, unknown framing
  | 'DECODE' // bytes do not follow the schema that their id names
  | 'REQUIRED'
  | 'TYPE' // a value that cannot be cast to the contract's type without loss
  | 'RANGE'
  | 'LENGTH'
  | 'PATTERN'
  | 'ENUM'
  | 'NOT' // a forbidden value
  | 'UNKNOWN_FIELD' // on_unknown_field: reject
  | 'JSON_SCHEMA' // a keyword of a JSON Schema that has no code of its own
  | 'TOO_LARGE'
  | 'BATCH_TOO_LARGE' // its batch holds or unpacks to more than `ingest.max_batch_mb`: its bytes were not read
  | 'SOURCE_LINE' // a line of a source that cannot be read as a record (too few fields, bad quoting)
  | 'SOURCE_VALUE' // a value of a source that the wire schema cannot hold
  | 'GATE'

/** Where a record that reached a topic was read. */
export interface LogCoordinate {
  readonly topic: string
  readonly partition: number
  readonly epoch: number
  readonly offset: bigint
}

/** Where a record that never reached a topic was read: a file and line, or a table and key. */
export interface SourceCoordinate {
  readonly source: string
  /** The file relative to the source's root, or the source's table. */
  readonly object: string
  /** 1-based line, or the key as text. */
  readonly at: string
}

export interface DeadLetter {
  readonly rowId: string
  readonly layer: 'bronze' | 'silver' | 'gold'
  readonly table: string
  readonly runId: string
  readonly batchId: string
  readonly stage: LetterStage
  readonly log: LogCoordinate | null
  readonly source: SourceCoordinate | null
  /** Milliseconds since the epoch, or null where unknown. */
  readonly recordTsMs: number | null
  readonly schemaId: number | null
  readonly contractId: number | null
  readonly errors: readonly RuleBreach[]
  /** Decoded where it could be, PII masked already; null where it could not. JSON values only (longs and decimals as strings). */
  readonly record: JsonValue
  /** The record as it stood in the log (value bytes) or in the source (the line). */
  readonly raw: Uint8Array | null
  /** The key's bytes, needed to judge the record again. */
  readonly key: Uint8Array | null
  /** The headers that `readHeaders` gave. */
  readonly headers: readonly RecordHeader[]
  /** True whenever the contract tags any field as PII: `raw`, `key` are then sealed before they are written. */
  readonly sealed: boolean
  readonly quarantinedAtMs: number
}

/** A letter whose record stands beside it as JSON. */
export type UnshownLetter = Omit<DeadLetter, 'record'>

/** Whether only the place of a record is known, so that it cannot be judged again from its letter. */
export function hasNoBytes({ errors }: Pick<DeadLetter, 'errors'>): boolean {
  return errors.some(({ code }) => code === 'BATCH_TOO_LARGE')
}

export interface RecordHeader {
  readonly key: string
  readonly value: Uint8Array
}

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

export type SkipReason = 'start' | 'control' | 'aborted' | 'compacted' | 'reset' | 'expired' | 'erased'

/** Offsets that a lane passed without a row or a letter, and why. Durable before the commit that passes them. */
export interface Skip {
  readonly topic: string
  readonly partition: number
  readonly epoch: number
  readonly first: bigint
  /** Exclusive. */
  readonly next: bigint
  readonly reason: SkipReason
}

/** A letter whose record now stands in the table. Durable before the commit that lands it. */
export interface Healing {
  readonly rowId: string
  readonly table: string
  /** The table version expected to hold the row. */
  readonly version: number
  readonly atMs: number
}
