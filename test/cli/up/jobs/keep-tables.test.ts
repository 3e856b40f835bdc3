import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keepTables, type KeepRequest } from '../../../../src/cli/up/jobs/keep-tables.ts'
import { TableTurns } from '../../../../src/cli/up/jobs/table-turns.ts'
import { SluiceError } from '../../../../src/domain/errors.ts'
import { readJobNote } from '../../../../src/operate/status/job-note.ts'
import { pausePart } from '../../../../src/operate/status/pause-note.ts'
import type { World } from '../../../../src/ports/world.ts'
import { openVacuumFixture } from '../../../operate/vacuum/vacuum-fixture.ts'

const TABLES = ['bronze.a', 'bronze.b', 'silver.c', 'gold.d']

interface Fixture extends Omit<KeepRequest, 'keep'> {
  readonly kept: string[]
  readonly events: ReturnType<typeof openVacuumFixture>['events']
}

async function fixture(more: Partial<KeepRequest> = {}): Promise<Fixture> {
  const { lake, world, clock, events } = openVacuumFixture()
  for (const table of TABLES) await lake.put(`${table.replace('.', '/')}/_delta_log/0.json`, new Uint8Array())
  const whole = { ...world, clock } as unknown as World
  const turns = new TableTurns()
  return { world: whole, job: 'vacuum', maxMs: 60_000, maxBytes: 1e9, turns, kept: [], events, ...more }
}

const run = (request: Fixture, keep?: KeepRequest['keep']) =>
  keepTables({
    ...request,
    keep:
      keep ??
      (async (table) => {
        request.kept.push(table)
        return { files: 1, bytes: 10, isWhole: true }
      }),
  })

test('each table has its turn once, and the run is noted and told', async () => {
  const request = await fixture()
  const note = await run(request)
  assert.deepEqual(request.kept, TABLES)
  assert.deepEqual(await readJobNote(request.world.lake, 'vacuum'), note)
  assert.deepEqual([note.outcome, note.tables, note.files, note.bytes, note.next_table], ['done', 4, 4, 40, null])
  const told = request.events.find(({ type }) => type === 'upkeep.done')
  assert.ok(told?.type === 'upkeep.done' && told.job === 'vacuum' && told.files === 4)
})

test('a budget of bytes ends a run, and the next begins where it ended', async () => {
  const request = await fixture({ maxBytes: 20 })
  assert.deepEqual([(await run(request)).outcome, request.kept], ['partial', TABLES.slice(0, 2)])
  await run(request)
  assert.deepEqual(request.kept, TABLES)
})

test('a budget of time ends a run, and what one table left is taken up first', async () => {
  const request = await fixture()
  const note = await run(request, async (table) => {
    request.kept.push(table)
    return { files: 0, bytes: 0, isWhole: table !== 'silver.c' }
  })
  assert.deepEqual([note.outcome, note.next_table], ['partial', 'silver.c'])
  assert.deepEqual(request.kept, TABLES.slice(0, 3))
  request.kept.splice(0)
  await run(request)
  assert.deepEqual(request.kept, ['silver.c', 'gold.d', 'bronze.a', 'bronze.b'])
})

test('a table that fails keeps no other from its turn; one that is foreign or busy is no failure', async () => {
  const request = await fixture()
  const errors = new Map([
    ['bronze.a', new SluiceError('FILE_CORRUPT', 'bad bytes')],
    ['bronze.b', new SluiceError('TABLE_UNSUPPORTED', 'foreign')],
    ['silver.c', new SluiceError('COMMIT_CONTENDED', 'busy')],
  ])
  const failing = (of: ReadonlyMap<string, SluiceError>) => async (table: string) => {
    const error = of.get(table)
    if (error !== undefined) throw error
    request.kept.push(table)
    return { files: 0, bytes: 0, isWhole: true }
  }
  const note = await run(request, failing(errors))
  assert.deepEqual([note.outcome, note.code, request.kept], ['failed', 'FILE_CORRUPT', ['gold.d']])
  errors.delete('bronze.a')
  assert.equal((await run(request, failing(errors))).outcome, 'done')
})

test('a paused lane is left alone', async () => {
  const request = await fixture()
  await pausePart(request.world, { kind: 'lane', name: 'bronze.b' }, 'why')
  await run(request)
  assert.deepEqual(request.kept, ['bronze.a', 'silver.c', 'gold.d'])
})

test('a table that another job has, or waits for, is waited for, and one that upkeep has is not given away', async () => {
  const request = await fixture()
  const { turns } = request
  turns.claim(new Set(['silver.c']))
  const note = await run(request, async (table) => {
    assert.deepEqual([...turns.kept()], [table])
    assert.equal(turns.take(table), null)
    request.kept.push(table)
    return { files: 0, bytes: 0, isWhole: true }
  })
  // The clock of the test moves on with each look: the claim outlasts the budget.
  assert.deepEqual([note.outcome, note.next_table, request.kept], ['partial', 'silver.c', ['bronze.a', 'bronze.b']])
  assert.deepEqual([...turns.kept()], [])
  turns.claim(new Set())
  await run(request)
  assert.deepEqual(request.kept, ['bronze.a', 'bronze.b', 'silver.c', 'gold.d', 'bronze.a', 'bronze.b'])
})
