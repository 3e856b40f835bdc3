import type { Healing, LetterStage, Skip } from '../domain/dead-letter.ts'
import type { TableName } from '../domain/identifier.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { readJsonLines, unreadable, type LedgerLine } from './json-lines.ts'
import { dateOfPath, HEALED_FOLDER, isoDate, laneFolder, SKIPS_FOLDER, tableOfPath } from './lane-path.ts'
import type { LaneRecord } from './lane-record.ts'
import { RowIdSet } from './row-id.ts'
import type { HealingRecord } from './write-healings.ts'
import type { SkipRecord } from './write-skips.ts'

/**
 * Reads the ledger. `store` is rooted at `_errors`. Everything streams; letters come file by file in path order, so by
 * date and then in no promised order. The same record may come more than once (I4): see `distinctLetters`.
 */

export interface LetterFilter {
  readonly stage?: LetterStage
  /** Any of the letter's errors has it. */
  readonly code?: string
  readonly field?: string
  /** Quarantined at or after. */
  readonly sinceMs?: number
  /** In a `dt=` folder before this date (YYYY-MM-DD). */
  readonly beforeDate?: string
  readonly topic?: string
  readonly partition?: number
  readonly epoch?: number
  /** Inclusive. */
  readonly firstOffset?: bigint
  /** Exclusive. */
  readonly nextOffset?: bigint
  readonly rowIdPrefix?: string
  readonly runId?: string
}

export async function* readLetters(
  store: ObjectStore,
  table: TableName,
  filter: LetterFilter = {},
): AsyncIterable<LaneRecord> {
  const since = filter.sinceMs === undefined ? null : isoDate(filter.sinceMs)
  for await (const { path, bytes } of store.list(`${laneFolder(table)}dt=`)) {
    if (!path.endsWith('.json')) continue
    const date = dateOfPath(path)
    if (since !== null && date !== null && date < since) continue
    if (filter.beforeDate !== undefined && (date === null || date >= filter.beforeDate)) continue
    if (filter.runId !== undefined && !path.includes(`/run_id=${filter.runId}/`)) continue
    for await (const line of readJsonLines(store, path, bytes)) {
      const record = asLaneRecord(line)
      if (matches(record, filter)) yield record
    }
  }
}

/** The letter files in `dt=` folders before this date. */
export async function* listLetterFiles(
  store: ObjectStore,
  table: TableName,
  beforeDate: string,
): AsyncIterable<string> {
  for await (const { path } of store.list(`${laneFolder(table)}dt=`)) {
    const date = dateOfPath(path)
    if (date !== null && date < beforeDate && path.endsWith('.json')) yield path
  }
}

/**
 * The first of each row id. Which of several is first is the path's accident, and their verdicts may differ (an older
 * contract, a redrive that failed again). Holds one id a letter.
 */
export async function* distinctLetters(letters: AsyncIterable<LaneRecord>): AsyncIterable<LaneRecord> {
  const seen = new RowIdSet()
  for await (const letter of letters) if (seen.add(letter.row_id)) yield letter
}

export async function* readSkips(store: ObjectStore, table: TableName): AsyncIterable<Skip> {
  for await (const line of readFolder(store, `${laneFolder(table)}${SKIPS_FOLDER}/`)) yield asSkip(line)
}

/** One file of `_skips`. */
export async function* readSkipFile(store: ObjectStore, path: string, bytes: number): AsyncIterable<Skip> {
  for await (const line of readJsonLines(store, path, bytes)) yield asSkip(line)
}

/** As written; several may name one row id. */
export async function* readHealings(store: ObjectStore, table: TableName): AsyncIterable<Healing> {
  for await (const line of readFolder(store, `${laneFolder(table)}${HEALED_FOLDER}/`)) yield asHealing(line)
}

/** Tables that have a ledger, by name. */
export async function listLanes(store: ObjectStore): Promise<readonly TableName[]> {
  const tables = new Map<string, TableName>()
  for await (const { path } of store.list('')) {
    const table = tableOfPath(path)
    if (table !== null) tables.set(`${table.layer}.${table.table}`, table)
  }
  return [...tables.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, table]) => table)
}

async function* readFolder(store: ObjectStore, prefix: string): AsyncIterable<LedgerLine> {
  for await (const { path, bytes } of store.list(prefix)) {
    if (path.endsWith('.json')) yield* readJsonLines(store, path, bytes)
  }
}

function matches(record: LaneRecord, filter: LetterFilter): boolean {
  if (filter.stage !== undefined && record.stage !== filter.stage) return false
  if (filter.code !== undefined && !record.errors.some((error) => error.code === filter.code)) return false
  if (filter.field !== undefined && !record.errors.some((error) => error.field === filter.field)) return false
  if (filter.sinceMs !== undefined && Date.parse(record.quarantined_at) < filter.sinceMs) return false
  if (filter.topic !== undefined && record.topic !== filter.topic) return false
  if (filter.partition !== undefined && record.partition !== filter.partition) return false
  if (filter.epoch !== undefined && record.epoch !== filter.epoch) return false
  if (filter.rowIdPrefix !== undefined && !record.row_id.startsWith(filter.rowIdPrefix)) return false
  if (filter.firstOffset === undefined && filter.nextOffset === undefined) return true
  if (record.offset === null) return false
  const offset = BigInt(record.offset)
  if (filter.firstOffset !== undefined && offset < filter.firstOffset) return false
  return filter.nextOffset === undefined || offset < filter.nextOffset
}

const OFFSET = /^\d{1,19}$/

/** Checks what readers rely on; fields that are not known pass through. */
function asLaneRecord(line: LedgerLine): LaneRecord {
  const { value } = line
  const text = (name: string): boolean => typeof value[name] === 'string'
  if (!text('row_id') || !text('layer') || !text('table') || !text('stage') || !text('quarantined_at')) {
    throw unreadable(line, 'row_id, layer, table, stage or quarantined_at is missing')
  }
  if (!Array.isArray(value['errors'])) throw unreadable(line, 'errors is no list')
  const { topic, partition, offset } = value
  if (topic !== null && (typeof topic !== 'string' || !Number.isInteger(partition) || !isOffset(offset))) {
    throw unreadable(line, 'topic, partition and offset do not name a place in a log')
  }
  if (Number.isNaN(Date.parse(String(value['quarantined_at'])))) throw unreadable(line, 'quarantined_at is no time')
  return value as unknown as LaneRecord
}

function asSkip(line: LedgerLine): Skip {
  const { topic, partition, epoch, first, next, reason } = line.value as Partial<SkipRecord>
  if (typeof topic !== 'string' || typeof partition !== 'number' || typeof epoch !== 'number' || reason === undefined) {
    throw unreadable(line, 'topic, partition, epoch or reason is missing')
  }
  if (!isOffset(first) || !isOffset(next)) throw unreadable(line, 'first and next are no offsets')
  return { topic, partition, epoch, first: BigInt(first), next: BigInt(next), reason }
}

function asHealing(line: LedgerLine): Healing {
  const { row_id, table, version, at } = line.value as Partial<HealingRecord>
  if (typeof row_id !== 'string' || typeof table !== 'string' || typeof version !== 'number') {
    throw unreadable(line, 'row_id, table or version is missing')
  }
  const atMs = Date.parse(String(at))
  if (Number.isNaN(atMs)) throw unreadable(line, 'at is no time')
  return { rowId: row_id, table, version, atMs }
}

function isOffset(value: unknown): value is string {
  return typeof value === 'string' && OFFSET.test(value)
}
