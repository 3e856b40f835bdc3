import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openThreadPool } from '../../../src/adapters/workers/thread-pool.ts'
import type { RecordBatch } from '../../../src/domain/record-batch.ts'
import type { DecodePool } from '../../../src/ports/decode-pool.ts'
import { decodePoolConformance, flushTerms, orderRecord, SCHEMA } from '../../conformance/decode-pool.ts'
import { placedBatch } from '../../ingest/batches.ts'

const PRODUCT = new URL('../../../src/worker.ts', import.meta.url)
const MORTAL = new URL('mortal-worker.ts', import.meta.url)
const FACTS = { epoch: 0, nowMs: 1, writers: new Map([[SCHEMA.id, SCHEMA]]) }

for (const threads of [1, 2, 3]) {
  decodePoolConformance(`a pool of ${threads} threads`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-pool-'))
    const pool = openThreadPool({ entry: PRODUCT, threads, inFlightBytes: 4_096, folder: async () => folder })
    return { pool, cleanup: () => rm(folder, { recursive: true, force: true }) }
  })
}

async function mortalPool(t: TestContext, inFlightBytes = 1 << 20): Promise<DecodePool> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-pool-'))
  const pool = openThreadPool({ entry: MORTAL, threads: 2, inFlightBytes, folder: async () => folder })
  t.after(async () => {
    await pool.close()
    await rm(folder, { recursive: true, force: true })
  })
  return pool
}

const keyed = (key: string, facts: { partition?: number; first?: bigint } = {}): RecordBatch =>
  placedBatch([{ ...orderRecord('a', 1), key: Buffer.from(key) }], facts)

async function settles(pool: DecodePool): Promise<void> {
  const decoding = pool.openFlush(flushTerms())
  for (const partition of [0, 1]) await decoding.take([keyed('good', { partition })], FACTS)
  assert.equal((await decoding.settle()).landed, 2)
  await decoding.abandon()
}

for (const [how, why] of [
  ['exit', /ended with code 7/],
  ['throw', /an error that nobody caught/],
  ['memory', /memory limit/],
] as const) {
  test(`a thread that ends by ${how} fails its flushes with WORKER_DIED, and the next flush has a new one`, async (t) => {
    const pool = await mortalPool(t)
    await settles(pool)
    const dying = pool.openFlush(flushTerms())
    const elsewhere = pool.openFlush(flushTerms({ table: { ...flushTerms().table, onUnknownField: 'evolve' } }))
    // Two partitions, two threads: the second one dies.
    await dying.take([keyed('good', { partition: 0 })], FACTS)
    await elsewhere.take([keyed('good')], FACTS)
    await assert.rejects(
      async () => {
        await dying.take([keyed(how, { partition: 1 })], FACTS)
        await dying.settle()
        // An error that nobody caught comes a moment after its record.
        for (let first = 1n; first < 3_000n; first += 1n) {
          await new Promise((resolve) => setTimeout(resolve, 20))
          await dying.take([keyed('good', { partition: 0, first })], FACTS)
        }
      },
      (error: Error & { code?: string }) => error.code === 'WORKER_DIED' && why.test(error.message),
    )
    await assert.rejects(() => dying.settle(), { code: 'WORKER_DIED' })
    await dying.abandon()
    assert.equal((await elsewhere.settle()).landed, 1)
    await elsewhere.abandon()
    await settles(pool)
  })
}

test('a thread that dies while it writes fails the staging', async (t) => {
  const pool = await mortalPool(t)
  const decoding = pool.openFlush(flushTerms({ batchId: 'dies while it writes' }))
  await decoding.take([keyed('good')], FACTS)
  const { fields } = await decoding.settle()
  await assert.rejects(decoding.stage({ fields, partitionColumns: [], nowMs: 1 }), { code: 'WORKER_DIED' })
  await decoding.abandon()
  await settles(pool)
})

test('I12: what is handed over waits until the thread has come so far', async (t) => {
  const pool = await mortalPool(t, 1)
  await settles(pool)
  const decoding = pool.openFlush(flushTerms())
  const startedMs = performance.now()
  await decoding.take([keyed('sleep')], FACTS)
  assert.ok(performance.now() - startedMs > 250)
  await decoding.abandon()
})

test('the buffers of a batch move to the thread and are not copied', async (t) => {
  const pool = await mortalPool(t)
  const decoding = pool.openFlush(flushTerms())
  const batch = placedBatch([orderRecord('a', 1), orderRecord('b', 2)])
  const whole = { ...batch, bytes: new Uint8Array(batch.bytes) }
  await decoding.take([whole], FACTS)
  assert.deepEqual([whole.bytes.length, whole.valueStarts.length, whole.timestampsMs.length], [0, 0, 0])
  assert.equal((await decoding.settle()).landed, 2)
  await decoding.abandon()
})

test('a pool that is closed fails what is open', async (t) => {
  const pool = await mortalPool(t)
  const decoding = pool.openFlush(flushTerms())
  await decoding.take([keyed('good')], FACTS)
  await pool.close()
  await assert.rejects(decoding.settle(), { code: 'WORKER_DIED' })
})

for (const { partitions, files } of [
  { partitions: 2, files: ['flush-1-1', 'flush-2-0', 'flush-3-1'] },
  { partitions: 1, files: ['flush-1-0', 'flush-2-0', 'flush-3-0'] },
]) {
  test(`of ${partitions} partitions expected, ${partitions === 1 ? 'a lone one stays on its thread' : 'flushes begin on each thread in turn'}`, async (t) => {
    const pool = await mortalPool(t)
    pool.expect(partitions)
    const staged: string[] = []
    for (let flush = 0; flush < files.length; flush += 1) {
      const decoding = pool.openFlush(flushTerms())
      await decoding.take([keyed('good')], FACTS)
      const { fields } = await decoding.settle()
      for (const { localFile } of await decoding.stage({ fields, partitionColumns: [], nowMs: 1 }))
        staged.push(basename(localFile, '.parquet'))
      await decoding.abandon()
    }
    assert.deepEqual(staged, files)
  })
}
