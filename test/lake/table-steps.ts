import { randomUUID } from 'node:crypto'
import type { ColumnBatch, ColumnField } from '../../src/domain/column-batch.ts'
import type { CommitOutcome } from '../../src/domain/outcome.ts'
import { commitTransaction } from '../../src/lake/commit.ts'
import type { Transaction } from '../../src/lake/commit.ts'
import { writeDataFile } from '../../src/lake/data-file.ts'
import type { NewFile } from '../../src/lake/data-file.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import type { Snapshot } from '../../src/lake/snapshot.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'

/** Steps that the tests of the lake share: a table of one column of longs, partitioned by day. */

export const FIELDS: readonly ColumnField[] = [
  { name: 'n', type: { kind: 'int64' }, nullable: true },
  { name: 'day', type: { kind: 'string' }, nullable: true },
]
export const PARTITIONS = ['day']

export interface TestClock extends Clock {
  ms: number
  /** How long it has slept. */
  slept: number
}

/** Sleeping takes no time and moves the clock on. */
export function testClock(startMs = 1_700_000_000_000): TestClock {
  const clock: TestClock = {
    ms: startMs,
    slept: 0,
    nowMs: () => clock.ms,
    newId: () => randomUUID(),
    random: () => 0.5,
    async sleep(ms) {
      clock.slept += ms
      clock.ms += Math.max(1, ms)
    },
  }
  return clock
}

export function longs(values: readonly number[]): ColumnBatch {
  const data = BigInt64Array.from(values, BigInt)
  const column = {
    type: FIELDS[0]!.type,
    length: values.length,
    validity: null,
    values: { layout: 'int64', data },
  } as const
  return { length: values.length, fields: [FIELDS[0]!], columns: [column] }
}

export async function dataFile(
  store: ObjectStore,
  values: readonly number[],
  day: string | null = 'd1',
): Promise<NewFile> {
  return writeDataFile({
    store,
    batches: [longs(values)],
    fields: FIELDS,
    partitionColumns: PARTITIONS,
    partitionValues: { day },
    unstated: new Set(),
    newId: () => randomUUID(),
  })
}

/** A file that is in the log alone. */
export function loggedFile(path: string, overrides: Partial<NewFile> = {}): NewFile {
  const statsText = '{"numRecords":1,"minValues":{"n":1},"maxValues":{"n":1},"nullCount":{"n":0}}'
  const partitionValues = { day: 'd1' }
  return { path, partitionValues, bytes: 10, modificationTimeMs: 5, rows: 1, statsText, tags: null, ...overrides }
}

export function transaction(
  store: ObjectStore,
  snapshot: Snapshot | null,
  overrides: Partial<Transaction> = {},
): Transaction {
  return {
    store,
    snapshot,
    ...(snapshot === null ? { create: { fields: FIELDS, partitionColumns: PARTITIONS, configuration: {} } } : {}),
    adds: [],
    removes: [],
    txns: new Map(),
    expectTxns: new Map(),
    reads: 'nothing',
    dataChange: true,
    operation: { name: 'WRITE', parameters: { mode: 'Append' }, metrics: {} },
    clock: testClock(),
    ...overrides,
  }
}

export async function commit(
  store: ObjectStore,
  snapshot: Snapshot | null,
  overrides: Partial<Transaction> = {},
): Promise<CommitOutcome> {
  return commitTransaction(transaction(store, snapshot, overrides))
}

/** Commits, and gives the table as it stands after. */
export async function step(
  store: ObjectStore,
  snapshot: Snapshot | null,
  overrides: Partial<Transaction> = {},
): Promise<Snapshot> {
  const outcome = await commit(store, snapshot, overrides)
  if (outcome.kind !== 'committed') throw new Error(`conflicted: ${outcome.reason}`)
  return openTable(store)
}

export async function openTable(store: ObjectStore): Promise<Snapshot> {
  const snapshot = await openSnapshot(store)
  if (snapshot === null) throw new Error('there is no table')
  return snapshot
}

/** The raw actions of a log entry, read by hand. */
export async function entryLines(
  store: ObjectStore,
  version: number,
): Promise<Record<string, Record<string, unknown>>[]> {
  const bytes = await store.read(`_delta_log/${String(version).padStart(20, '0')}.json`)
  return Buffer.from(bytes!)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>)
}
