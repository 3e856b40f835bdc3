import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'

import { openConnectors } from '../../../src/compose/connectors.ts'
import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import type { SourceSettings } from '../../../src/domain/settings.ts'
import type { SourceConnector } from '../../../src/ports/source-connector.ts'
import { testSourceConnector } from '../../conformance/source-connector.ts'
import { StreamStub, type Death } from '../../services/snowflake-stream-stub.ts'

/** A scripted stub stands in for Snowflake here (test/services/snowflake-stream-stub.ts): fakesnow has no STREAM. */

type Options = SourceSettings['options']
type Record = readonly [op: string, key: string, value: unknown]

let stub: StreamStub
let options: Options

async function startStub(): Promise<void> {
  stub = new StreamStub()
  options = await stub.start()
}

before(startStub)
beforeEach(async () => {
  await stub.close()
  await startStub()
})
after(() => stub.close())

function open(more: Options = {}): SourceConnector {
  const settings: SourceSettings = {
    name: 'shop',
    connector: 'snowflake',
    topic: 'orders',
    key: [],
    pollIntervalMs: 1000,
    options: { ...options, primary_key: ['id'], batch_rows: 2, page_rows: 3, ...more },
  }
  return openConnectors({ ...systemClock, sleep: () => Promise.resolve() })(settings)
}

interface Log {
  readonly state: Map<string, string>
  readonly records: Record[]
  readonly refused: string[]
}

const newLog = (): Log => ({ state: new Map(), records: [], refused: [] })

/** One pass, its batches appended as they come; false where it failed by the stub's death. */
async function pass(log: Log, more: Options = {}): Promise<boolean> {
  const connector = open(more)
  try {
    for await (const { rows, refused, progress } of connector.read(new Map(log.state))) {
      log.records.push(...rows.map(({ op, at, values, payload }): Record => [payload?.kind ?? op, at, values[1]]))
      log.refused.push(...refused.map(({ raw }) => Buffer.from(raw).toString()))
      for (const [entry, value] of progress) {
        if (value === null) log.state.delete(entry)
        else log.state.set(entry, value)
      }
    }
    return true
  } catch (error) {
    if (error instanceof SluiceError && /died (before|after)|client is dead/.test(error.message)) return false
    throw error
  } finally {
    await connector.close()
  }
}

testSourceConnector(
  'snowflake, stream (scripted stub)',
  async () => {
    const mine = new StreamStub()
    const found = await mine.start()
    for (let id = 1; id <= 20; id += 1) mine.insert(String(id), `v${id}`)
    mine.createStream()
    return { open: () => open(found), close: () => mine.close() }
  },
  {
    places: [{ object: 'SHOP.PUBLIC.ORDERS', rows: Array.from({ length: 20 }, (_, i) => String(i + 1)), refused: [] }],
  },
)

test('all rows come once, then each change: created, updated, deleted, moved to another key, swapped', async () => {
  for (const id of ['1', '2', '3', '4', '5', '6', '7']) stub.insert(id, `v${id}`)
  stub.createStream()
  const log = newLog()
  await pass(log)
  assert.deepEqual(
    log.records.splice(0),
    ['1', '2', '3', '4', '5', '6', '7'].map((id) => ['r', id, `v${id}`]),
  )
  await pass(log)
  assert.deepEqual(log.records, [])
  stub.insert('8', null)
  stub.insert('9', 'NULL')
  stub.update('1', { v: 'new' })
  stub.delete('2')
  stub.update('3', { id: '30' })
  const [four, five] = [[...stub.table.values()].find(({ id }) => id === '4')!, '5']
  stub.update(five, { id: '4' })
  stub.table.set([...stub.table].find(([, row]) => row === four)![0], { ...four, id: '5' })
  stub.delete('6')
  stub.insert('6', 'again')
  stub.insert('99', 'short-lived')
  stub.delete('99')
  await pass(log)
  assert.deepEqual(log.records.splice(0), [
    ['u', '1', 'new'],
    ['tombstone', '2', null],
    ['tombstone', '3', null],
    ['u', '4', 'v5'],
    ['u', '5', 'v4'],
    ['u', '6', 'again'],
    ['c', '8', null],
    ['c', '9', 'NULL'],
    ['c', '30', 'v3'],
  ])
  await pass(log)
  assert.deepEqual(log.records, [])
  // what is in the log is dropped by the pass that finds it there
  assert.deepEqual([...stub.staging.keys()], [])
})

test('I9: wherever a process dies, between any two statements, each change comes once', async () => {
  const steps: readonly (() => void)[] = [
    () => {
      for (const id of ['1', '2', '3', '4', '5']) stub.insert(id, `v${id}`)
      stub.createStream()
    },
    () => {
      stub.insert('6', 'six')
      stub.update('2', { v: 'two' })
      stub.delete('3')
      stub.update('4', { id: '40' })
    },
    () => {
      stub.insert('3', 'back')
      stub.delete('1')
    },
    () => undefined,
  ]
  const run = async (death: Death | null): Promise<{ log: Log; statements: readonly string[]; deaths: number }> => {
    await stub.close()
    await startStub()
    stub.death = death
    const log = newLog()
    let deaths = 0
    for (const step of steps) {
      step()
      for (;;) {
        if (await pass(log)) break
        deaths += 1
        assert.ok(deaths < 3, 'it dies again and again')
      }
    }
    return { log, statements: [...stub.statements], deaths }
  }
  const calm = await run(null)
  assert.equal(calm.deaths, 0)
  const state = new Map<string, unknown>()
  for (const [op, key, value] of calm.log.records) {
    if (op === 'tombstone') state.delete(key)
    else state.set(key, value)
  }
  assert.deepEqual(
    state,
    new Map(
      [...stub.table.values()]
        .map(({ id, v }) => [id, v] as const)
        .toSorted(([a], [b]) => [...state.keys()].indexOf(a) - [...state.keys()].indexOf(b)),
    ),
  )
  assert.equal(calm.log.records.length, 5 + 5 + 2)
  // After one with its answer lost is for the server the same as before the next.
  const deaths: readonly Death[] = [
    { statement: 1, phase: 'before' },
    ...calm.statements.map((_, at): Death => ({ statement: at + 1, phase: 'after' })),
  ]
  for (const death of deaths) {
    const ended = await run(death)
    const where = `died ${death.phase} statement ${death.statement}: ${calm.statements[death.statement - 1]}`
    assert.equal(ended.deaths, 1, where)
    assert.deepEqual(ended.log.records, calm.log.records, where)
  }
})

test('batches that never came into the log come again, and nothing of them was dropped', async () => {
  stub.createStream()
  const log = newLog()
  await pass(log)
  for (let id = 1; id <= 9; id += 1) stub.insert(String(id), 'v')
  const connector = open()
  let seen = 0
  for await (const { rows } of connector.read(new Map(log.state))) seen += rows.length
  await connector.close()
  assert.equal(seen, 9)
  stub.insert('10', 'later')
  await pass(log)
  assert.deepEqual(
    log.records.map(([op, key]) => `${op}${key}`),
    ['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8', 'c9', 'c10'],
  )
})

test('of two processes that read one stream each change comes once', async () => {
  stub.createStream()
  const log = newLog()
  await pass(log)
  stub.insert('1', 'a')
  const stale = new Map(log.state)
  await pass(log)
  await pass(log)
  stub.insert('2', 'b')
  // the other stands where this one stood: what it would take belongs to a number that is gone
  const other = open()
  await assert.rejects(
    (async () => {
      for await (const _ of other.read(stale)) assert.fail('a batch came')
    })(),
    (error: SluiceError) => error.code === 'SOURCE_UNAVAILABLE' || error.message.includes('another process'),
  )
  await other.close()
  await pass(log)
  assert.deepEqual(log.records, [
    ['c', '1', 'a'],
    ['c', '2', 'b'],
  ])
})

test('rows without a key are counted and told at the start', async () => {
  stub.keyIsNullable = true
  stub.insert('1', 'a')
  stub.createStream()
  const notes: string[] = []
  const connector = open()
  for await (const batch of connector.read(new Map())) notes.push(...(batch.notes ?? []))
  await connector.close()
  assert.deepEqual(notes, ['3 rows of SHOP.PUBLIC.ORDERS with a null in their key are not read'])
})

test('a source that is reset reads all rows as they stand, and then what changes', async () => {
  stub.insert('1', 'a')
  stub.createStream()
  const log = newLog()
  await pass(log)
  stub.insert('2', 'b')
  await pass(log)
  stub.insert('3', 'c')
  log.state.clear()
  log.records.length = 0
  await pass(log)
  assert.deepEqual(log.records, [
    ['r', '1', 'a'],
    ['r', '2', 'b'],
    ['c', '3', 'c'],
  ])
})

test('a stream that is missing, of another table or stale stops the source with what to do', async () => {
  stub.createStream()
  const failure = async (more: Options): Promise<SluiceError> => {
    try {
      await pass(newLog(), more)
    } catch (error) {
      if (error instanceof SluiceError) return error
    }
    throw new assert.AssertionError({ message: 'it was read' })
  }
  const missing = await failure({ stream: 'nowhere' })
  assert.equal(missing.code, 'SOURCE_UNREADABLE')
  assert.match(missing.message, /no stream SHOP\.PUBLIC\.NOWHERE/)
  assert.match(missing.hint, /CREATE STREAM SHOP\.PUBLIC\.NOWHERE ON TABLE SHOP\.PUBLIC\.ORDERS/)
  stub.stale = true
  const stale = await failure({})
  assert.match(stale.message, /is stale/)
  assert.match(stale.hint, /checkpoint reset --source shop/)
  assert.equal((await failure({ stream: null })).code, 'SETTINGS_INVALID')
  assert.equal((await failure({ stream: "x'; drop table y" })).code, 'IDENTIFIER_INVALID')
})
