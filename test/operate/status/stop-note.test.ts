import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SluiceError } from '../../../src/domain/errors.ts'
import { judgePart, type PartFacts } from '../../../src/operate/status/part-status.ts'
import { nextStops, noteStops, readStopNotes, type Stop } from '../../../src/operate/status/stop-note.ts'
import { diskFull, faultyStore } from '../../support/faulty-store.ts'
import { scratchWorld } from '../../support/scratch-world.ts'

const unknownId = (partition: number): SluiceError =>
  new SluiceError('SCHEMA_ID_UNKNOWN', 'no such id', { where: { topic: 'orders', partition } })

test('a stop that is met again keeps its first time, another begins anew', () => {
  const first = nextStops([], [unknownId(0)], { at: '2026-01-01T00:00:00.000Z', runId: 'r1' })
  const again = nextStops(first, [unknownId(0), unknownId(1)], { at: '2026-01-02T00:00:00.000Z', runId: 'r2' })
  assert.deepEqual(
    again.map(({ where, since, run_id }) => [where.partition, since, run_id]),
    [
      [0, '2026-01-01T00:00:00.000Z', 'r2'],
      [1, '2026-01-02T00:00:00.000Z', 'r2'],
    ],
  )
})

test('what stopped is remembered between processes until a pass comes to its end', async (t) => {
  const world = await scratchWorld(t)
  const part = { kind: 'lane', name: 'bronze.orders' } as const
  await noteStops(world, [{ ...part, errors: [unknownId(0)], finished: true }])
  const other = await scratchWorld(t, { folder: world.folder })
  assert.deepEqual(
    (await readStopNotes(other.lake)).get('lane.bronze.orders')?.stops.map(({ code }) => code),
    ['SCHEMA_ID_UNKNOWN'],
  )
  await noteStops(other, [{ ...part, errors: [], finished: false }])
  assert.equal((await readStopNotes(world.lake)).size, 1)
  await noteStops(other, [{ ...part, errors: [], finished: true }])
  assert.equal((await readStopNotes(world.lake)).size, 0)
})

test('a note that cannot be written is a warning; a damaged one counts as none', async (t) => {
  const world = await scratchWorld(t, {
    lake: (real) => faultyStore(real, (call) => (call === 'put' ? { error: diskFull(), done: false } : null)),
  })
  await noteStops(world, [{ kind: 'source', name: 's', errors: [unknownId(0)], finished: true }])
  assert.deepEqual(
    world.events.seen.map(({ type }) => type),
    ['warning'],
  )
  await world.lake.putIfAbsent('_status/lane.x.json', Buffer.from('{"kind":"lane"'))
  await world.lake.putIfAbsent(
    '_status/lane.y.json',
    Buffer.from('{"kind":"lane","name":"y","stops":[{"code":"NOPE"}]}'),
  )
  const notes = await readStopNotes(world.lake)
  assert.deepEqual(
    [...notes].map(([name, { stops }]) => [name, stops.length]),
    [['lane.y', 0]],
  )
})

test('what is found now counts more than what was noted, and only what a person must clear stops', () => {
  const noted: Stop = {
    code: 'SCHEMA_ID_UNKNOWN',
    message: 'noted',
    where: { topic: 'orders', partition: 0 },
    hint: '',
    since: '2026-01-01T00:00:00.000Z',
    run_id: 'r',
  }
  const base: PartFacts = { found: null, noted: null, running: false, lastCommitMs: 0, catchUp: 'sluice ingest x' }
  const judge = (facts: Partial<PartFacts>): unknown[] => {
    const { state, since, stop, nextCommand } = judgePart({ ...base, ...facts })
    return [state, since, stop?.code ?? null, nextCommand]
  }
  const epoch = '1970-01-01T00:00:00.000Z'
  assert.deepEqual(judge({}), ['idle', epoch, null, 'sluice ingest x'])
  assert.deepEqual(judge({ running: true }), ['running', epoch, null, null])
  assert.deepEqual(judge({ noted }), ['stopped', noted.since, noted.code, 'sluice contract register'])
  assert.deepEqual(judge({ noted, found: unknownId(0) }), [
    'stopped',
    noted.since,
    noted.code,
    'sluice contract register',
  ])
  const changed = new SluiceError('SOURCE_CHANGED', 'other', { where: { topic: 'orders', partition: 0 } })
  assert.deepEqual(judge({ noted, found: changed }), [
    'stopped',
    null,
    'SOURCE_CHANGED',
    'sluice checkpoint reset --topic orders --accept-new-topic',
  ])
  assert.deepEqual(judge({ noted: { ...noted, code: 'COMMIT_CONTENDED' } }), [
    'idle',
    epoch,
    'COMMIT_CONTENDED',
    'sluice ingest x',
  ])
})
