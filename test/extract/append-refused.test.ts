import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { DeadLetter } from '../../src/domain/dead-letter.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import { fromLaneRecord } from '../../src/error-lane/lane-record.ts'
import { readLetters } from '../../src/error-lane/ledger.ts'
import { appendRefused } from '../../src/extract/append-refused.ts'
import { runSource } from '../../src/extract/run-source.ts'
import { all } from '../error-lane/ledger-fixtures.ts'
import { listConnector, memoryLog, ordersSchema, registryOf, SHOP, worldOf, type MemoryLog } from './extract-doubles.ts'

const WIDER = ordersSchema({ version: 2, id: 6 }, [
  { name: 'id', type: 'string' },
  { name: 'n', type: ['null', 'long', 'string'], default: null },
])

async function withLetters(): Promise<{
  log: MemoryLog
  world: ReturnType<typeof worldOf>['world']
  letters: DeadLetter[]
}> {
  const log = memoryLog(2)
  const rows = [
    { values: ['a', '1'] },
    { values: ['b', 'many'] },
    { values: ['c'], bad: true },
    { values: ['d', 'few'] },
  ]
  const { world } = worldOf({ log, connector: () => listConnector(rows, [9]) })
  await runSource({ source: SHOP, world })
  const letters = (await all(readLetters(world.lake.at('_errors'), { layer: 'bronze', table: 'orders' }))).map((each) =>
    fromLaneRecord(each, []),
  )
  assert.equal(letters.length, 3)
  return { log, world, letters }
}

function keysOf(log: MemoryLog): string[] {
  return log.partitions.flatMap((records) => records.map((record) => Buffer.from(record.key!).toString())).sort()
}

test('refused rows that the wire schema can hold now are appended for the first time, and only once (I15)', async () => {
  const { log, world, letters } = await withLetters()
  const ids = letters.map((letter) => letter.rowId)
  const still = await appendRefused({ world, source: SHOP, letters, dryRun: false })
  assert.deepEqual([still.passed, still.failed.toSorted()], [[], ids.toSorted()])

  const wider = { ...world, registry: registryOf([ordersSchema(), WIDER]) }
  const dry = await appendRefused({ world: wider, source: SHOP, letters, dryRun: true })
  assert.equal(dry.passed.length, 2)
  assert.deepEqual(keysOf(log), ['a'])

  let lost = true
  log.after = () => {
    if (!lost) return
    lost = false
    throw new SluiceError('LOG_UNAVAILABLE', 'the reply was lost')
  }
  const first = await appendRefused({ world: wider, source: SHOP, letters, dryRun: false })
  const again = await appendRefused({ world: wider, source: SHOP, letters, dryRun: false })
  assert.deepEqual(again, first)
  assert.deepEqual([first.passed.length, first.failed.length], [2, 1])
  assert.deepEqual(keysOf(log), ['a', 'b', 'd'])
})

test('the source goes on where it was after its letters were appended', async () => {
  const { log, world, letters } = await withLetters()
  const wider = { ...world, registry: registryOf([ordersSchema(), WIDER]) }
  await appendRefused({ world: wider, source: SHOP, letters, dryRun: false })
  assert.equal((await runSource({ source: SHOP, world: wider })).read, 0)
  assert.deepEqual(keysOf(log), ['a', 'b', 'd'])
})

test('a run of the source in between does not make an append twice', async () => {
  const { log, world, letters } = await withLetters()
  const wider = { ...world, registry: registryOf([ordersSchema(), WIDER]) }
  let moved = false
  log.before = () => {
    if (moved) return
    moved = true
    void log.append({ batches: [], state: { source: 'shop', expectedSequence: 1n, set: new Map([['at', '4']]) } })
  }
  const outcome = await appendRefused({ world: wider, source: SHOP, letters, dryRun: false })
  assert.equal(outcome.passed.length, 2)
  assert.deepEqual(keysOf(log), ['a', 'b', 'd'])
})
