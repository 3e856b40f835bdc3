import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import { readLastLanded } from '../../../src/ingest/lane/last-landed.ts'
import { LoggedFile } from '../../../src/lake/files/add-file.ts'
import type { Snapshot } from '../../../src/lake/snapshot.ts'
import { writeParquet } from '../../../src/parquet/write-parquet.ts'
import { MemoryStore } from '../../conformance/memory-store.ts'
import { batchOf } from '../../parquet/build-columns.ts'

const FIELDS: readonly ColumnField[] = [
  { name: '_topic', type: { kind: 'string' }, nullable: false },
  { name: '_partition', type: { kind: 'int32' }, nullable: false },
  { name: '_epoch', type: { kind: 'int32' }, nullable: false },
  { name: '_offset', type: { kind: 'int64' }, nullable: false },
  { name: '_record_ts', type: { kind: 'timestamp' }, nullable: true },
]

interface Row {
  readonly partition: number
  readonly epoch: number
  readonly offset: number
}

/** A table of files, each of row groups of `groupRows`, and how many ranges were read of them. */
async function tableOf(files: readonly (readonly Row[])[], groupRows: number) {
  const store = new MemoryStore()
  const held = new Map<string, LoggedFile>()
  for (const [no, rows] of files.entries()) {
    const path = `f${no}.parquet`
    const cells = rows.map(({ partition, epoch, offset }) => [
      'orders',
      partition,
      epoch,
      BigInt(offset),
      BigInt(offset) * 7n,
    ])
    const { bytes } = writeParquet({ fields: FIELDS, batches: [batchOf(FIELDS, cells)], rowGroupRows: groupRows })
    await store.put(path, bytes)
    const rest = { modificationTimeMs: 0, dataChange: true, tags: null, deletionVector: null, partitionValues: {} }
    held.set(path, new LoggedFile({ path, bytes: bytes.length, statsText: null, ...rest }))
  }
  const snapshot = { files: held, metadata: { fields: FIELDS, partitionColumns: [] } } as unknown as Snapshot
  let reads = 0
  const counted = new Proxy(store, {
    get(_, name) {
      const value: unknown = Reflect.get(store, name)
      if (name === 'readRange') reads += 1
      return typeof value === 'function' ? (value.bind(store) as unknown) : value
    },
  })
  return { store: counted, snapshot, reads: () => reads }
}

const lastOf = (rows: readonly Row[], partition: number, epoch: number): bigint | undefined => {
  const own = rows.filter((row) => row.partition === partition && row.epoch === epoch)
  return own.length === 0 ? undefined : BigInt(Math.max(...own.map(({ offset }) => offset)))
}

test('of a long file in the order of its offsets the last row group alone is read', async () => {
  const rows = Array.from({ length: 1000 }, (_, offset) => ({ partition: offset % 2, epoch: 0, offset }))
  const { store, snapshot, reads } = await tableOf([rows], 50)
  const positions = new Map([0, 1].map((partition) => [partition, { epoch: 0, next: 1000n, source: null }]))
  const found = await readLastLanded({ store, snapshot, topic: 'orders', positions })
  assert.deepEqual(
    [...found].toSorted(([a], [b]) => a - b),
    [
      [0, { offset: 998n, recordTs: 998n * 7n }],
      [1, { offset: 999n, recordTs: 999n * 7n }],
    ],
  )
  // The length of the footer, the footer, and one group.
  assert.equal(reads(), 3)
})

test('the last landed record of each partition is found wherever it lies: in any file, row group, order and epoch', async () => {
  const row = fc.record({ partition: fc.nat({ max: 3 }), epoch: fc.nat({ max: 1 }), offset: fc.nat({ max: 60 }) })
  const files = fc.array(fc.array(row, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(files, fc.integer({ min: 1, max: 12 }), async (held, groupRows) => {
      const { store, snapshot } = await tableOf(held, groupRows)
      const wanted = [0, 1, 2]
      const positions = new Map(wanted.map((partition) => [partition, { epoch: 1, next: 99n, source: null }]))
      const found = await readLastLanded({ store, snapshot, topic: 'orders', positions })
      for (const partition of wanted) assert.equal(found.get(partition)?.offset, lastOf(held.flat(), partition, 1))
    }),
    { numRuns: 100 },
  )
})
