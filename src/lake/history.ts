import type { JsonValue } from '../domain/dead-letter.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { exactDigits, isObject } from './log/log-json.ts'
import type { LogJson, LogObject } from './log/log-json.ts'
import { listLog } from './log/log-file.ts'
import { readEntry } from './log/read-entry.ts'
import type { LogEntry } from './log/read-entry.ts'

/** One commit as its log entry tells it. */
export interface HistoryEntry {
  readonly version: number
  /** The time that time travel goes by. */
  readonly timestampMs: number
  /** Null where the writer stated none. */
  readonly operation: string | null
  readonly parameters: Readonly<Record<string, JsonValue>>
  readonly metrics: Readonly<Record<string, JsonValue>>
  readonly engine: string | null
  readonly txns: ReadonlyMap<string, bigint>
  readonly filesAdded: number
  readonly filesRemoved: number
  /** Rows or columns may differ from those of the version before. */
  readonly movesRows: boolean
}

/** The commits whose log entries still exist, newest first. */
export async function* readHistory(store: ObjectStore): AsyncGenerator<HistoryEntry, void, void> {
  const { entries } = await listLog(store, 0)
  for (const version of [...entries.keys()].sort((a, b) => b - a)) {
    const entry = await readEntry(store, version)
    if (entry !== null) yield describeEntry(entry)
  }
}

/** One commit. Null where its log entry is gone. */
export async function readCommit(store: ObjectStore, version: number): Promise<HistoryEntry | null> {
  const entry = await readEntry(store, version)
  return entry === null ? null : describeEntry(entry)
}

function describeEntry({ version, timestampMs, actions }: LogEntry): HistoryEntry {
  let info: LogObject = {}
  const txns = new Map<string, bigint>()
  let filesAdded = 0
  let filesRemoved = 0
  let movesRows = false
  for (const action of actions) {
    if (action.kind === 'commitInfo') info = action.commitInfo
    if (action.kind === 'txn') txns.set(action.txn.appId, action.txn.version)
    if (action.kind === 'add') filesAdded += 1
    if (action.kind === 'remove') filesRemoved += 1
    movesRows ||=
      (action.kind === 'add' && action.add.dataChange) ||
      (action.kind === 'remove' && action.remove.dataChange) ||
      action.kind === 'metaData'
  }
  return {
    version,
    timestampMs,
    operation: textOf(info['operation']),
    parameters: plainJson(info['operationParameters']),
    metrics: plainJson(info['operationMetrics']),
    engine: textOf(info['engineInfo']),
    txns,
    filesAdded,
    filesRemoved,
    movesRows,
  }
}

function textOf(value: LogJson | undefined): string | null {
  return typeof value === 'string' ? value : null
}

/** Deeper than any writer nests, and than people would read. */
const MAX_DEPTH = 32

function plainJson(value: LogJson | undefined, depth = 0): Record<string, JsonValue> {
  if (!isObject(value)) return {}
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)]))
}

function plain(value: LogJson | undefined, depth: number): JsonValue {
  if (value === undefined) return null
  if (typeof value === 'bigint') return value.toString()
  const digits = exactDigits(value)
  if (digits !== null) return Number(digits)
  if (typeof value === 'object' && value !== null && depth > MAX_DEPTH) return '…'
  if (Array.isArray(value)) return (value as readonly LogJson[]).map((item) => plain(item, depth + 1))
  return isObject(value) ? plainJson(value, depth) : (value as JsonValue)
}
