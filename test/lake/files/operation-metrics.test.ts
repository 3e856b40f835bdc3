import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readHistory } from '../../../src/lake/history.ts'
import type { Transaction } from '../../../src/lake/transaction.ts'
import { MemoryStore } from '../../conformance/memory-store.ts'
import { loggedFile, step } from '../table-steps.ts'

/** Two files of 10 bytes and 1 row go, one of 30 bytes and 2 rows comes. Expected are the names of delta-spark 4.0's DeltaOperations. */
async function metricsOf(
  name: string,
  overrides: Partial<Transaction> = {},
): Promise<Readonly<Record<string, unknown>>> {
  const store = new MemoryStore()
  const first = await step(store, null, { adds: [loggedFile('a'), loggedFile('b')] })
  await step(store, first, {
    adds: [loggedFile('c', { bytes: 30, rows: 2, statsText: '{"numRecords":2}' })],
    removes: [...first.files.values()],
    reads: 'table',
    operation: { name, parameters: {}, metrics: {} },
    ...overrides,
  })
  for await (const { version, metrics } of readHistory(store)) if (version === 1) return metrics
  throw new Error('there is no version 1')
}

test('each operation states the metrics that Spark states for it, as texts', async () => {
  const append = { removes: [], reads: 'nothing' } as const
  assert.deepEqual(await metricsOf('WRITE', append), { numFiles: '1', numOutputBytes: '30', numOutputRows: '2' })
  assert.deepEqual(await metricsOf('WRITE'), {
    numFiles: '1',
    numOutputBytes: '30',
    numOutputRows: '2',
    numAddedFiles: '1',
    numRemovedFiles: '2',
    numRemovedBytes: '20',
  })
  assert.deepEqual(await metricsOf('MERGE'), {
    numOutputRows: '2',
    numAddedFiles: '1',
    numRemovedFiles: '2',
    numTargetFilesAdded: '1',
    numTargetFilesRemoved: '2',
    numTargetBytesAdded: '30',
    numTargetBytesRemoved: '20',
  })
  const rewritten = { numAddedFiles: '1', numRemovedFiles: '2', numAddedBytes: '30', numRemovedBytes: '20' }
  assert.deepEqual(await metricsOf('DELETE'), rewritten)
  assert.deepEqual(await metricsOf('OPTIMIZE', { dataChange: false }), rewritten)
  assert.deepEqual(await metricsOf('RESTORE'), {
    numRestoredFiles: '1',
    restoredFilesSize: '30',
    numRemovedFiles: '2',
    removedFilesSize: '20',
  })
})

test('what the operation knows goes before; rows that a file does not state are not made up', async () => {
  const operation = { name: 'MERGE', parameters: {}, metrics: { numOutputRows: 7n, numTargetRowsInserted: 5 } }
  const told = await metricsOf('MERGE', { operation })
  assert.deepEqual([told['numOutputRows'], told['numTargetRowsInserted']], ['7', '5'])
  const adds = [loggedFile('c', { rows: null, statsText: null })]
  assert.equal('numOutputRows' in (await metricsOf('WRITE', { adds })), false)
  assert.deepEqual(await metricsOf('WRITE', { adds: [], removes: [], reads: 'nothing' }), {})
})
