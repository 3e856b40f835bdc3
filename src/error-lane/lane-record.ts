import type { DeadLetter, JsonValue, LetterStage, RecordHeader, RuleBreach } from '../domain/dead-letter.ts'
import { SluiceError } from '../domain/errors.ts'
import type { Layer } from '../domain/identifier.ts'
import { openSealed, sealBytes } from './seal.ts'

/**
 * A dead letter as one line of JSON: the form of the files under `_errors` and of `errors list --json`. Only ever
 * extended; readers keep fields that they do not know. Offsets are strings (they pass 2^53), times ISO 8601 UTC, bytes
 * base64.
 */
export interface LaneRecord {
  readonly row_id: string
  readonly layer: Layer
  readonly table: string
  readonly run_id: string
  readonly batch_id: string
  readonly stage: LetterStage
  /** Null, with `partition`, `epoch` and `offset`, for a record that never reached a topic; `source` then says where it was. */
  readonly topic: string | null
  readonly partition: number | null
  readonly epoch: number | null
  readonly offset: string | null
  readonly source: { readonly name: string; readonly object: string; readonly at: string } | null
  readonly record_ts: string | null
  readonly schema_id: number | null
  readonly contract_id: number | null
  readonly errors: readonly RuleBreach[]
  readonly record: JsonValue
  /** True: `raw`, `key` and `headers` are sealed (`seal.ts`). */
  readonly sealed: boolean
  readonly raw: string | null
  readonly key: string | null
  /** Pairs of name and base64 value; sealed, one base64 text of their sealed JSON. */
  readonly headers: readonly (readonly [string, string])[] | string
  readonly quarantined_at: string
}

/** Throws SEAL_KEY_MISSING for a letter that must be sealed and no key. */
export function toLaneRecord(letter: DeadLetter, sealKey: string | null): LaneRecord {
  const seal = sealer(letter, sealKey)
  const pairs = letter.headers.map(({ key, value }): [string, string] => [key, base64(value)])
  return {
    row_id: letter.rowId,
    layer: letter.layer,
    table: letter.table,
    run_id: letter.runId,
    batch_id: letter.batchId,
    stage: letter.stage,
    topic: letter.log?.topic ?? null,
    partition: letter.log?.partition ?? null,
    epoch: letter.log?.epoch ?? null,
    offset: letter.log?.offset.toString() ?? null,
    source:
      letter.source === null
        ? null
        : { name: letter.source.source, object: letter.source.object, at: letter.source.at },
    record_ts: letter.recordTsMs === null ? null : isoTime(letter.recordTsMs),
    schema_id: letter.schemaId,
    contract_id: letter.contractId,
    errors: letter.errors,
    record: letter.record,
    sealed: letter.sealed,
    raw: letter.raw === null ? null : base64(seal('raw', letter.raw)),
    key: letter.key === null ? null : base64(seal('key', letter.key)),
    headers: letter.sealed ? base64(seal('headers', Buffer.from(JSON.stringify(pairs), 'utf8'))) : pairs,
    quarantined_at: isoTime(letter.quarantinedAtMs),
  }
}

/** The letter again, opened where it was sealed. Throws SEAL_KEY_MISSING, LETTERS_UNREADABLE. */
export function fromLaneRecord(record: LaneRecord, sealKeys: readonly string[]): DeadLetter {
  const open = (what: string, text: string): Uint8Array => {
    const bytes = Buffer.from(text, 'base64')
    return record.sealed ? openSealed(sealKeys, sealContext(record.row_id, what), bytes) : bytes
  }
  const { topic, partition, epoch, offset, source } = record
  const log =
    topic === null || partition === null || offset === null
      ? null
      : { topic, partition, epoch: epoch ?? 0, offset: BigInt(offset) }
  return {
    rowId: record.row_id,
    layer: record.layer,
    table: record.table,
    runId: record.run_id,
    batchId: record.batch_id,
    stage: record.stage,
    log,
    source: source === null ? null : { source: source.name, object: source.object, at: source.at },
    recordTsMs: record.record_ts === null ? null : Date.parse(record.record_ts),
    schemaId: record.schema_id,
    contractId: record.contract_id,
    errors: record.errors,
    record: record.record,
    raw: record.raw === null ? null : open('raw', record.raw),
    key: record.key === null ? null : open('key', record.key),
    headers: openHeaders(record, open),
    sealed: record.sealed,
    quarantinedAtMs: Date.parse(record.quarantined_at),
  }
}

function openHeaders(record: LaneRecord, open: (what: string, text: string) => Uint8Array): RecordHeader[] {
  const pairs: unknown =
    typeof record.headers === 'string'
      ? JSON.parse(Buffer.from(open('headers', record.headers)).toString('utf8'))
      : record.headers
  if (!Array.isArray(pairs)) {
    throw new SluiceError('LETTERS_UNREADABLE', `the headers of letter ${record.row_id} are no list of pairs`)
  }
  return pairs.map((pair: unknown) => {
    const [key, value] = Array.isArray(pair) ? (pair as unknown[]) : []
    return { key: String(key), value: Buffer.from(String(value), 'base64') }
  })
}

function sealer(letter: DeadLetter, sealKey: string | null): (what: string, bytes: Uint8Array) => Uint8Array {
  if (!letter.sealed) return (_what, bytes) => bytes
  if (sealKey === null) {
    throw new SluiceError(
      'SEAL_KEY_MISSING',
      `letters of ${letter.layer}.${letter.table} hold PII and cannot be sealed`,
      {
        where: { table: `${letter.layer}.${letter.table}`, key: 'errors.seal_key' },
      },
    )
  }
  return (what, bytes) => sealBytes(sealKey, sealContext(letter.rowId, what), bytes)
}

function sealContext(rowId: string, what: string): string {
  return `${what} of letter ${rowId}`
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
