import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { systemClock } from '../../../../src/adapters/clock/system-clock.ts'
import { listVerb } from '../../../../src/cli/verbs/errors/list.ts'
import { showVerb } from '../../../../src/cli/verbs/errors/show.ts'
import type { DeadLetter } from '../../../../src/domain/dead-letter.ts'
import type { DomainEvent } from '../../../../src/domain/events.ts'
import type { Settings } from '../../../../src/domain/settings.ts'
import { toLaneRecord, type LaneRecord } from '../../../../src/error-lane/lane-record.ts'
import { writeHealings } from '../../../../src/error-lane/write-healings.ts'
import { writeLetters } from '../../../../src/error-lane/write-letters.ts'
import { commitTransaction } from '../../../../src/lake/commit.ts'
import type { ModelEngine } from '../../../../src/ports/model-engine.ts'
import type { World } from '../../../../src/ports/world.ts'
import { MemoryStore } from '../../../conformance/memory-store.ts'
import { aLetter, ids, RUN } from '../../../error-lane/ledger-fixtures.ts'
import { entry, runFrame, type Ran } from '../../frame/fake-frame.ts'

const ORDERS = { layer: 'bronze', table: 'orders' } as const
const letterAt = (offset: bigint, digit: string, over: Partial<DeadLetter> = {}): DeadLetter =>
  aLetter({ rowId: `${digit}a`.repeat(16), log: { topic: 'orders', partition: 2, epoch: 0, offset }, ...over })
const OPEN = letterAt(3n, '1')
const HEALED = letterAt(4n, '2')
const LANDED = letterAt(5n, '3')
const AHEAD = letterAt(10n, '4')
const NEVER_LANDED = letterAt(6n, '5', {
  errors: [{ code: 'RANGE', field: 'total', rule: 'minimum 0', message: 'total is below 0' }],
})
const FROM_FILE = aLetter({
  rowId: '6a'.repeat(16),
  stage: 'connect',
  log: null,
  source: { source: 'shop', object: 'a.csv', at: '17' },
  errors: [{ code: 'SOURCE_LINE', field: null, rule: 'source', message: 'the line has 1 field and the header 2' }],
  raw: Buffer.from('only one'),
  key: null,
  record: null,
})
const SEALED = letterAt(7n, '7', { sealed: true, raw: Buffer.from('someone@example.com'), record: { mail: 's***' } })

let folder = ''
let world: World
const events: DomainEvent[] = []

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-errors-'))
  await writeFile(
    join(folder, 'sluice.yaml'),
    'lake: {uri: lake}\ntopics: {orders: {}}\ntables: {bronze: {orders: {topic: orders}}}\n',
  )
  const lake = new MemoryStore()
  const store = lake.at('_errors')
  const newId = ids()
  await writeLetters({ store, letters: [OPEN, HEALED, LANDED, AHEAD, NEVER_LANDED, SEALED], sealKey: 'secret', newId })
  await writeLetters({ store, letters: [OPEN, FROM_FILE], sealKey: null, newId })
  const healings = [HEALED, NEVER_LANDED].map(({ rowId }) => ({ rowId, table: 'bronze.orders', version: 0, atMs: 0 }))
  await writeHealings({ store, ...ORDERS, runId: RUN, healings, newId })
  await commitTransaction({
    store: lake.at('bronze/orders'),
    snapshot: null,
    create: {
      fields: [{ name: 'id', type: { kind: 'string' }, nullable: true }],
      partitionColumns: [],
      configuration: {},
    },
    adds: [],
    removes: [],
    txns: new Map([['sluice/orders/2', 10n]]),
    expectTxns: new Map(),
    reads: 'nothing',
    dataChange: true,
    operation: { name: 'WRITE', parameters: {}, metrics: {} },
    clock: systemClock,
  })
  // Offsets 4 and 5 stand in the table.
  const row = { _topic: 'orders', _partition: 2, _epoch: 0, first_offset: 4n, last_offset: 5n }
  const engine = { ask: () => Promise.resolve([[row], []]) } as unknown as ModelEngine
  world = {
    lake,
    settings: {
      tables: new Map([['orders', {}]]),
      errors: { sealKey: 'secret', oldSealKeys: [] },
    } as unknown as Settings,
    engine: () => Promise.resolve(engine),
    events: { emit: (event: DomainEvent) => void (event.type.startsWith('run.') || events.push(event)) },
    runId: RUN,
    traceId: 't',
    signal: new AbortController().signal,
    close: () => Promise.resolve(),
  } as unknown as World
})

after(() => rm(folder, { recursive: true }))

function run(...argv: string[]): Promise<Ran> {
  return runFrame(argv, {
    cwd: folder,
    verbs: [entry('errors list', listVerb, '[TABLE…]'), entry('errors show', showVerb, 'ROW_ID')],
    openWorld: () => Promise.resolve(world),
  })
}

async function listed(...argv: string[]): Promise<(LaneRecord & { state: string })[]> {
  const { exit, out, err } = await run('errors', 'list', '--json', ...argv)
  assert.equal(exit, 0, out + err)
  return (JSON.parse(out) as { records: (LaneRecord & { state: string })[] }).records
}

test('errors list --json: the open letters as lane records, each row id once, sealed bytes sealed', async () => {
  const records = await listed()
  assert.deepEqual(
    records.map((record) => [record.row_id[0], record.state]),
    [
      ['1', 'open'],
      ['5', 'open'],
      ['7', 'open'],
      ['6', 'open'],
    ],
  )
  assert.deepEqual(records[0], { ...toLaneRecord(OPEN, null), state: 'open' })
  assert.ok(!JSON.stringify(records).includes(Buffer.from('someone').toString('base64').slice(0, 8)))
})

test('errors list --all: what the table holds is healed or a phantom, and a healing without its row proves nothing', async () => {
  const states = Object.fromEntries((await listed('--all')).map((record) => [record.row_id[0]!, record.state]))
  assert.deepEqual(states, { 1: 'open', 2: 'healed', 3: 'phantom', 4: 'phantom', 5: 'open', 6: 'open', 7: 'open' })
})

test('errors list chooses by table, stage, code, field and time', async () => {
  const found = async (...argv: string[]): Promise<string> =>
    (await listed(...argv)).map((record) => record.row_id[0]).join('')
  assert.equal(await found('bronze.orders', '--code', 'RANGE'), '5')
  assert.equal(await found('orders', '--stage', 'connect'), '6')
  assert.equal(await found('--field', 'customer'), '17')
  assert.equal(await found('--since', '2026-12-01'), '')
  assert.equal(await found('--limit', '2'), '15')
  const unknown = await run('errors', 'list', 'nothing')
  assert.equal(unknown.exit, 2)
  assert.match(unknown.err, /TABLE_UNKNOWN.*"nothing"/)
  assert.equal((await run('errors', 'list', '--stage', 'silver')).exit, 2)
})

test('errors list for people: what was refused by rule, the first ones, and how to go on', async () => {
  const { out } = await run('errors', 'list', '--limit', '2')
  assert.equal(
    out,
    `letters  stage     code         field     rule
      2  contract  REQUIRED     customer  required
      1  connect   SOURCE_LINE  -         source
      1  contract  RANGE        total     minimum 0

row_id        table          place       code      field     message               state
1a1a1a1a1a1a  bronze.orders  orders/2@3  REQUIRED  customer  customer is required  open
5a5a5a5a5a5a  bronze.orders  orders/2@6  RANGE     total     total is below 0      open

2 of 4 letters; --limit shows more, --json all

next: sluice errors show 1a1a1a1a1a1a
`,
  )
})

test('errors show: one letter with all that is known of it', async () => {
  const { out } = await run('errors', 'show', '6a6a6a6a')
  assert.match(out, /^place +shop a\.csv:17$/m)
  assert.match(out, /^raw +only one$/m)
  const shown = JSON.parse((await run('errors', 'show', '1a'.repeat(16), '--json')).out) as LaneRecord
  assert.deepEqual(shown, { ...toLaneRecord(OPEN, null), state: 'open', raw_text: null, key_text: 'k1' })
  const missing = await run('errors', 'show', 'abcdef')
  assert.deepEqual([missing.exit, /LETTER_UNKNOWN/.test(missing.err)], [2, true])
  assert.equal((await run('errors', 'show', 'x')).exit, 2)
})

test('errors show --unseal opens what is sealed, and that is told (I13)', async () => {
  const closed = await run('errors', 'show', '7a7a7a7', '--json')
  const before = JSON.parse(closed.out) as LaneRecord & { raw_text: string | null }
  assert.deepEqual([before.sealed, before.raw_text], [true, null])
  assert.equal(events.length, 0)
  const opened = JSON.parse((await run('errors', 'show', '7a7a7a7', '--json', '--unseal')).out) as LaneRecord & {
    raw_text: string | null
  }
  assert.deepEqual(
    [opened.sealed, opened.raw_text, opened.headers],
    [false, 'someone@example.com', [['sluice.source', 'ZmlsZQ==']]],
  )
  assert.deepEqual(
    events.map((event) => [event.type, 'rowId' in event ? event.rowId : null]),
    [['letter.unsealed', SEALED.rowId]],
  )
})
