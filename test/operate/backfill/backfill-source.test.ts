import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SourceSettings } from '../../../src/domain/settings.ts'
import type { ExtractWorld } from '../../../src/extract/run-source.ts'
import { backfillSource, prepareBackfill, type BackfillRequest } from '../../../src/operate/backfill/backfill-source.ts'
import { pausePart, resumePart } from '../../../src/operate/status/pause-note.ts'
import { listConnector, memoryLog, SHOP, worldOf } from '../../extract/extract-doubles.ts'

const options = { watermark_column: 'at', primary_key: ['id'] }
const source: SourceSettings = { ...SHOP, options }
const request: BackfillRequest = {
  source,
  startMs: Date.UTC(2026, 0, 1),
  endMs: Date.UTC(2026, 0, 2),
  maxRowsPerSecond: 1_000_000,
}
const part = { kind: 'source', name: 'shop' } as const
const ROWS = Array.from({ length: 40_000 }, (_, i) => ({ values: [`k${i}`, String(i)] }))

/** A world whose clock goes on by three seconds each time it is asked. */
function slowWorld(log = memoryLog(2)): { readonly world: ExtractWorld; readonly log: typeof log } {
  const { world } = worldOf({ log, connector: () => listConnector(ROWS, [10_000]) })
  let nowMs = world.clock.nowMs()
  const clock = {
    ...world.clock,
    nowMs: () => {
      nowMs += 3_000
      return nowMs
    },
  }
  return { world: { ...world, clock }, log }
}

test('a backfill stops once its source is paused, and after a resume goes on where it stands', async () => {
  const { world, log } = slowWorld()
  let appends = 0
  log.after = ({ batches }) => {
    if (batches.length === 0) return
    appends += 1
    if (appends === 2) void pausePart(world, part, 'its database moves')
  }
  const stopped = await backfillSource(world, await prepareBackfill(world, request))
  assert.deepEqual([stopped.outcome, stopped.error?.code, stopped.appended], ['stopped', 'SOURCE_PAUSED', 20_000])
  assert.match(stopped.error!.message, /its database moves/)
  await assert.rejects(prepareBackfill(world, request), { code: 'SOURCE_PAUSED' })
  await resumePart(world, part)
  const prepared = await prepareBackfill(world, request)
  assert.equal(prepared.isResumed, true)
  const ended = await backfillSource(world, prepared)
  assert.deepEqual([ended.outcome, ended.appended, ended.batchId], ['caught_up', 20_000, stopped.batchId])
  const keys = log.partitions.flat().map(({ key }) => Buffer.from(key!).toString())
  assert.equal(new Set(keys).size, ROWS.length)
  assert.equal(keys.length, ROWS.length)
})

test('a pause of another source does not hold it', async () => {
  const { world } = slowWorld()
  await pausePart(world, { kind: 'source', name: 'other' }, 'why not')
  await pausePart(world, { kind: 'lane', name: 'bronze.shop' }, 'why not')
  const ended = await backfillSource(world, await prepareBackfill(world, request))
  assert.deepEqual([ended.outcome, ended.appended], ['caught_up', ROWS.length])
})
