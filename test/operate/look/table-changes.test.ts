import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SluiceError } from '../../../src/domain/errors.ts'
import { commitTransaction } from '../../../src/lake/commit.ts'
import { addStagedFile } from '../../../src/lake/data-file.ts'
import { engineInput } from '../../../src/lake/engine-input.ts'
import { openSnapshot } from '../../../src/lake/snapshot.ts'
import { showChanges, type ChangesRequest, type ShownChanges } from '../../../src/operate/look/table-changes.ts'
import { order, orders, produce, registerOrders } from '../../support/orders.ts'
import { ingestAll, scratchWorld } from '../../support/scratch-world.ts'
import type { TestWorld } from '../../support/world.ts'

const look = (world: TestWorld, more: Partial<ChangesRequest> = {}): Promise<ShownChanges> =>
  showChanges(world, { table: 'bronze.orders', from: null, to: null, limit: null, ...more })

/** Rewrites the whole table by a SELECT over `rows`; with `dataChange` false as a compaction would. */
async function rewrite(world: TestWorld, sql: string, dataChange: boolean): Promise<void> {
  const store = world.lake.at('bronze/orders')
  const snapshot = (await openSnapshot(store))!
  const { fields, partitionColumns } = snapshot.metadata
  const engine = await world.engine()
  const staged = await engine.stage({
    inputs: [await engineInput({ name: 'rows', store, snapshot })],
    steps: [],
    probes: [],
    output: {
      sql,
      fields,
      partitionBy: partitionColumns,
      folder: await world.stagingFolder('rewrite'),
      targetFileBytes: 1e9,
    },
  })
  const adds = []
  for (const file of staged.files) {
    adds.push(await addStagedFile({ store, staged: file, fields, partitionColumns, newId: () => world.clock.newId() }))
  }
  await commitTransaction({
    store,
    snapshot,
    adds,
    removes: [...snapshot.files.values()],
    txns: new Map(),
    expectTxns: new Map(),
    reads: 'table',
    dataChange,
    operation: { name: 'TEST', parameters: {}, metrics: {} },
    clock: world.clock,
  })
}

test('rows that versions added and removed are told, and what was only rewritten is not', async (t) => {
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 3))
  await ingestAll(world)
  await produce(world, orders(schema, 2, 3))
  await ingestAll(world)
  await rewrite(world, 'select * from rows', false)
  await rewrite(world, "select * from rows where id <> 'k1'", true)

  const first = await look(world, { to: 0 })
  assert.deepEqual([first.from, first.added, first.removed], [-1, 3, 0])
  const second = await look(world, { from: 0, to: 1 })
  assert.deepEqual(
    second.addedRows.map((row) => row['id']),
    ['k3', 'k4'],
  )
  const compaction = await look(world, { from: 1, to: 2 })
  assert.deepEqual([compaction.added, compaction.removed], [0, 0])
  const last = await look(world)
  assert.deepEqual([last.from, last.to, last.added, last.removed], [2, 3, 0, 1])
  assert.deepEqual(
    last.removedRows.map((row) => row['id']),
    ['k1'],
  )
  const both = await look(world, { from: 0, to: 3 })
  assert.deepEqual([both.added, both.removed], [2, 1])
  const cut = await look(world, { from: -1, to: 1, limit: 2 })
  assert.deepEqual([cut.added, cut.addedRows.length], [5, 2])
})

test('PII is masked in what is shown (I13)', async (t) => {
  const world = await scratchWorld(t, { errors: { sealKey: 'k'.repeat(44) } })
  const schema = await registerOrders(world, [
    { name: 'id', type: 'string' },
    { name: 'mail', type: ['null', 'string'], default: null, pii: 'email' },
  ])
  await produce(world, [
    order(schema, { id: 'a', mail: 'greta.garbo@example.org' }),
    order(schema, { id: 'b', mail: null }),
  ])
  await ingestAll(world)
  const { addedRows } = await look(world)
  assert.deepEqual(
    addedRows.map(({ id, mail }) => [id, mail]),
    [
      ['a', 'g***@***.org'],
      ['b', null],
    ],
  )
})

test('versions that cannot be told are refused by name', async (t) => {
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 3))
  await ingestAll(world)
  const vacuumed = [...(await openSnapshot(world.lake.at('bronze/orders')))!.files.keys()]
  await rewrite(world, 'select * from rows where n > 0', true)
  await world.lake.at('bronze/orders').delete(vacuumed.map(decodeURIComponent))
  const codes = async (more: Partial<ChangesRequest>): Promise<string> => {
    const error: unknown = await look(world, more).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof SluiceError)
    return `${error.code} ${error.message}`
  }
  assert.match(await codes({}), /^VERSION_VACUUMED .* were removed by a vacuum/)
  assert.match(await codes({ to: 9 }), /^VERSION_UNKNOWN /)
  assert.match(await codes({ from: 5 }), /^USAGE .*--from 5 is after --to 1/)
  assert.match(await codes({ table: 'bronze.order' }), /^TABLE_UNKNOWN .*did you mean bronze\.orders/)
})
