import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import { openFileCache } from '../../src/adapters/s3/file-cache.ts'
import { openS3Store } from '../../src/adapters/s3/s3-store.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import { dataFile, openTable, step } from '../lake/table-steps.ts'
import { engineMissing, startEngine, type DeltaEngine } from '../services/delta-engine.ts'
import { deltalakeOptions, s3Settings } from '../services/s3-settings.ts'
import { s3Missing, startS3, type S3 } from '../services/s3.ts'
import { temporaryFolder } from '../support/sluice.ts'
import { readOurStore } from './seen-rows.ts'

/**
 * deltalake and we append to one table at the same time: put-if-absent of either is one that the other honours, on disk
 * (a hard link) and on S3 (`If-None-Match`). SLUICE_RACE_ROUNDS for more commits.
 */

const COMMITS = 12 * Number(process.env['SLUICE_RACE_ROUNDS'] ?? 1)
const OURS = 2
const missing = await engineMissing('deltalake')
const noS3 = missing === false ? await s3Missing('versitygw') : missing

describe('deltalake and we append at the same time, and nobody loses a row', { skip: missing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  before(async () => {
    folder = await temporaryFolder('at-once')
  })
  after(() => folder.remove())

  it('on disk', async (t) => {
    const engine = await startEngine('deltalake')
    try {
      await race(t, engine, openFilesystemStore(join(folder.path, 'table')))
    } finally {
      await engine.close()
    }
  })

  it('on S3', { skip: noS3 }, async (t) => {
    let s3: S3 | null = null
    let engine: DeltaEngine | null = null
    try {
      s3 = await startS3({ kind: 'versitygw' })
      engine = await startEngine('deltalake', { storage: deltalakeOptions(s3) })
      const cache = openFileCache({ folder: join(folder.path, 'copies'), maxBytes: 1e9 })
      const uri = `s3://${await s3.bucket('at-once')}/table`
      await race(t, engine, openS3Store({ uri, settings: s3Settings(s3), cache }))
    } finally {
      await engine?.close()
      await s3?.close()
    }
  })
})

/** Each of our writers moves a position of its own; the other engine's rows are told by their day. */
async function race(t: { diagnostic(text: string): void }, engine: DeltaEngine, store: ObjectStore): Promise<void> {
  await step(store, null)
  let isOver = false
  const theirs = async (): Promise<number> => {
    for (let n = 0; n < COMMITS; n += 1)
      await engine.append(store.uri, `select cast(${n} as bigint) as n, 'theirs' as day`)
    isOver = true
    return COMMITS
  }
  const ours = async (name: string): Promise<number> => {
    let n = 0
    for (; n < COMMITS || !isOver; n += 1) {
      const change = {
        adds: [await dataFile(store, [n], name)],
        txns: new Map([[name, BigInt(n + 1)]]),
        expectTxns: new Map([[name, n === 0 ? null : BigInt(n)]]),
        clock: systemClock,
      }
      await step(store, await openTable(store), change)
    }
    return n
  }
  const names = Array.from({ length: OURS }, (_, i) => `ours${i}`)
  const [theirCount, ...counts] = await Promise.all([theirs(), ...names.map(ours)])
  const acknowledged = [['theirs', theirCount] as const, ...names.map((name, i) => [name, counts[i]!] as const)]
  const expected = acknowledged
    .flatMap(([name, count]) => Array.from({ length: count }, (_, n) => `${name} ${n}`))
    .sort()
  for (const { columns, txns, version } of [await engine.read(store.uri, names), await readOurStore(store, names)]) {
    assert.deepEqual(columns['n']!.map((n, i) => `${String(columns['day']![i])} ${String(n)}`).sort(), expected)
    assert.deepEqual(txns, counts)
    assert.equal(version, expected.length)
  }
  t.diagnostic(JSON.stringify({ store: store.uri, theirs: theirCount, ours: counts }))
}
