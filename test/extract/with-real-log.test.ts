import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { createFilesConnector } from '../../connectors/files/files-connector.ts'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openEmbeddedLog } from '../../src/adapters/embedded-log/embedded-log.ts'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import { readHeaders, recordKey } from '../../src/domain/record-batch.ts'
import type { SourceSettings } from '../../src/domain/settings.ts'
import { readLetters } from '../../src/error-lane/ledger.ts'
import { ensureTopics } from '../../src/extract/ensure-topics.ts'
import { runSource } from '../../src/extract/run-source.ts'
import { all } from '../error-lane/ledger-fixtures.ts'
import { SHOP, worldOf } from './extract-doubles.ts'

test('files through the embedded log: records, letters and the position of each file, told by the log itself (I9)', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-extract-'))
  const data = join(folder, 'data')
  const open = (): ReturnType<typeof openEmbeddedLog> =>
    openEmbeddedLog({ dir: join(folder, 'log'), clock: systemClock })
  let log = await open()
  try {
    await mkdir(data)
    await writeFile(join(data, 'a.csv'), 'id,n\na,1\nb,many\nc,3\n')
    await writeFile(join(data, 'empty.csv'), 'id,n\n')
    const source: SourceSettings = { ...SHOP, options: { path: data } }
    const { world: double } = worldOf({
      log,
      connector: createFilesConnector,
      lake: openFilesystemStore(join(folder, 'lake')),
    })
    const world = { ...double, clock: systemClock }
    await ensureTopics(world)
    const first = await runSource({ source, world })
    assert.deepEqual([first.read, first.appended, first.refused, first.outcome], [3, 2, 1, 'caught_up'])
    const fetched = await log.fetch({ topic: 'orders', partition: 0, from: 0n, maxBytes: 1_000_000, waitMs: 0 })
    assert.equal(fetched.kind, 'batches')
    const [batch] = fetched.batches
    assert.deepEqual(
      [0, 1].map((i) => Buffer.from(recordKey(batch!, i)!).toString()),
      ['a', 'c'],
    )
    assert.equal(readHeaders(batch!, 0)[0]!.key, 'sluice.source')
    assert.equal((await all(readLetters(world.lake.at('_errors'), { layer: 'bronze', table: 'orders' }))).length, 1)
    assert.equal((await log.describe('orders.errors'))!.partitions[0]!.end, 1n)
    await log.close()

    log = await open()
    const again = await runSource({ source, world: { ...world, log } })
    assert.deepEqual([again.read, again.outcome], [0, 'caught_up'])
    const { sequence, entries } = await log.sourceState('shop')
    assert.deepEqual([sequence, [...entries.keys()].sort()], [1n, ['file:a.csv', 'file:empty.csv']])

    await utimes(join(data, 'a.csv'), 1_700_000_000, 1_700_000_000)
    assert.equal((await runSource({ source, world: { ...world, log } })).outcome, 'caught_up')
    assert.equal((await log.sourceState('shop')).sequence, 2n)

    await writeFile(join(data, 'a.csv'), 'id,n\na,1\nb,2\nc,3\n')
    const changed = await runSource({ source, world: { ...world, log } })
    assert.equal(changed.error?.code, 'SOURCE_FILE_CHANGED')
    assert.equal((await log.describe('orders'))!.partitions[0]!.end, 2n)
  } finally {
    await log.close()
    await rm(folder, { recursive: true })
  }
})
