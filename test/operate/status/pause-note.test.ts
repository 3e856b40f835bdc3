import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SluiceError } from '../../../src/domain/errors.ts'
import { judgePart } from '../../../src/operate/status/part-status.ts'
import { findPausable, pausePart, readPauseNotes, resumePart } from '../../../src/operate/status/pause-note.ts'
import { clearStops, mendStops, readStopNotes } from '../../../src/operate/status/stop-note.ts'
import { scratchWorld } from '../../support/scratch-world.ts'

const lane = { kind: 'lane', name: 'bronze.orders' } as const

test('a pause outlives the process, keeps its first time and takes a new reason; resume ends it once', async (t) => {
  const world = await scratchWorld(t)
  const first = await pausePart(world, lane, 'the vendor is mending it')
  const other = await scratchWorld(t, { folder: world.folder })
  await pausePart(other, lane, 'still')
  assert.deepEqual(
    [...(await readPauseNotes(world.lake))],
    [['lane.bronze.orders', { ...lane, reason: 'still', since: first.since }]],
  )
  // A pause is no stop.
  assert.equal((await readStopNotes(world.lake)).size, 0)
  assert.equal(await resumePart(world, lane), true)
  assert.equal(await resumePart(world, lane), false)
  assert.equal((await readPauseNotes(other.lake)).size, 0)
})

test('a note that cannot be read pauses all the same', async (t) => {
  const world = await scratchWorld(t)
  await world.lake.put('_status/paused/source.shop.json', Buffer.from('{"reas'))
  assert.deepEqual(
    [...(await readPauseNotes(world.lake)).values()],
    [{ kind: 'source', name: 'shop', reason: '', since: null }],
  )
})

test('a name is a lane or a source, and one that could be both is asked about', () => {
  const tables = new Map([
    ['orders', null],
    ['both', null],
  ])
  const sources = new Map([
    ['shop', null],
    ['both', null],
  ])
  const find = (text: string): string => {
    try {
      const { kind, name } = findPausable({ tables, sources } as never, text)
      return `${kind} ${name}`
    } catch (error) {
      assert.ok(error instanceof SluiceError)
      return error.message
    }
  }
  assert.equal(find('orders'), 'lane bronze.orders')
  assert.equal(find('bronze.orders'), 'lane bronze.orders')
  assert.equal(find('shop'), 'source shop')
  assert.equal(find('source.both'), 'source both')
  assert.equal(find('bronze.both'), 'lane bronze.both')
  assert.match(find('both'), /name source\.both or bronze\.both/)
  assert.match(find('bronze.order'), /did you mean .*bronze\.orders/i)
  assert.match(find('../x'), /there is no lane or source/)
})

test('status shows a pause before anything else, and how to end it', () => {
  const paused = { ...lane, reason: 'why not', since: '2026-01-01T00:00:00.000Z' }
  const facts = { found: null, noted: null, running: true, lastCommitMs: 0, catchUp: null }
  assert.deepEqual(judgePart({ ...facts, paused }), {
    state: 'paused',
    since: paused.since,
    stop: null,
    pauseReason: 'why not',
    nextCommand: 'sluice resume bronze.orders',
  })
})

test('who sees some partitions of a lane notes and clears theirs alone', async (t) => {
  const world = await scratchWorld(t)
  const stop = (partition: number): SluiceError =>
    new SluiceError('SCHEMA_ID_UNKNOWN', 'no such id', { where: { topic: 'orders', partition } })
  const partitions = async (): Promise<unknown[]> =>
    ((await readStopNotes(world.lake)).get('lane.bronze.orders')?.stops ?? []).map(({ where }) => where.partition)
  await mendStops(world, { ...lane, errors: [stop(0)], over: () => false })
  await mendStops(world, { ...lane, errors: [stop(2)], over: () => false })
  assert.deepEqual(await partitions(), [0, 2])
  await mendStops(world, { ...lane, errors: [], over: ({ where }) => where.partition === 0 })
  assert.deepEqual(await partitions(), [2])
  await mendStops(world, { ...lane, errors: [], over: ({ where }) => where.partition === 2 })
  assert.equal((await readStopNotes(world.lake)).size, 0)
  await mendStops(world, { ...lane, errors: [stop(1)], over: () => false })
  await clearStops(world, lane)
  assert.equal((await readStopNotes(world.lake)).size, 0)
})
