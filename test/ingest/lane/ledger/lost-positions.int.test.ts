import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { TXN_RETENTION } from '../../../../src/lake/retention/table-properties.ts'
import { openSnapshot } from '../../../../src/lake/snapshot.ts'
import { prepareReset, resetLane } from '../../../../src/operate/checkpoint/reset-lane.ts'
import { verifyTable } from '../../../../src/operate/verify.ts'
import { setProperty } from '../../../support/alter-table.ts'
import { orders, produce, registerOrders } from '../../../support/orders.ts'
import { rawRows } from '../../../support/raw-delta.ts'
import { ingestAll, scratchWorld } from '../../../support/scratch-world.ts'
import type { TestWorld } from '../../../support/world.ts'

interface Line {
  txn?: { appId: string }
}

const log = (world: TestWorld): string => join(world.folder, 'lake/bronze/orders/_delta_log')

/** As an engine would leave the table that dropped transactions: without them in its log. */
async function dropTxns(world: TestWorld, dropped: (appId: string) => boolean): Promise<void> {
  for (const name of await readdir(log(world))) {
    if (!name.endsWith('.json')) continue
    const path = join(log(world), name)
    const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => {
      const { txn } = line === '' ? ({} as Line) : (JSON.parse(line) as Line)
      return txn === undefined || !dropped(txn.appId)
    })
    await writeFile(path, lines.join('\n'))
  }
}

const landed = async (world: TestWorld): Promise<unknown[]> =>
  (
    await rawRows(
      join(world.folder, 'lake/bronze/orders'),
      'select _partition as p, _offset::int as o from rows order by all',
    )
  ).map(({ p, o }) => [p, o])

describe('positions of a table that other engines write to', () => {
  it('I1: a position that vanished stops its partition, and only that one; nothing lands twice', async (t) => {
    const world = await scratchWorld(t)
    const schema = await registerOrders(world)
    for (const partition of [0, 1]) await produce(world, orders(schema, 3), { partition, partitions: 3 })
    await ingestAll(world)
    await dropTxns(world, (appId) => appId.startsWith('sluice/orders/1'))
    // Partition 2 has no position either, and never had one.
    for (const partition of [0, 1, 2]) await produce(world, orders(schema, 2), { partition, partitions: 3 })
    const [report] = await ingestAll(world)
    assert.deepEqual(
      report!.errors.map((error) => [error.code, error.where.partition, error.where.offset]),
      [['POSITION_LOST', 1, '3']],
    )
    assert.match(report!.errors[0]!.hint, /checkpoint reset --topic orders --partition 1 --to-offset 3/)
    const pairs = (p: number, n: number): number[][] => Array.from({ length: n }, (_, o) => [p, o])
    assert.deepEqual(await landed(world), [...pairs(0, 5), ...pairs(1, 3), ...pairs(2, 2)])
    const table = world.settings.tables.get('orders')!
    const target = { kind: 'offset', offset: 3n } as const
    await resetLane(world, await prepareReset(world, { table, partition: 1, target, accept: false }))
    assert.deepEqual((await ingestAll(world))[0]!.errors, [])
    assert.deepEqual(await landed(world), [...pairs(0, 5), ...pairs(1, 5), ...pairs(2, 2)])
    assert.equal((await verifyTable(world, table, { againstLog: true })).ok, true)
  })

  it('I1, I18: an epoch that vanished stops the partition, and the reset gives it back', async (t) => {
    const world = await scratchWorld(t)
    const schema = await registerOrders(world)
    const table = world.settings.tables.get('orders')!
    await produce(world, orders(schema, 3))
    await ingestAll(world)
    await world.embedded.deleteTopic('orders')
    await produce(world, orders(schema, 4))
    await resetLane(world, await prepareReset(world, { table, partition: null, target: null, accept: true }))
    await ingestAll(world)
    await dropTxns(world, (appId) => appId.endsWith('/epoch') || appId.endsWith('/source'))
    await produce(world, orders(schema, 1, 4))
    assert.deepEqual(
      (await ingestAll(world))[0]!.errors.map(({ code }) => code),
      ['POSITION_LOST'],
    )
    const target = { kind: 'offset', offset: 4n } as const
    await resetLane(world, await prepareReset(world, { table, partition: 0, target, accept: false }))
    assert.deepEqual((await ingestAll(world))[0]!.errors, [])
    const sql = 'select _epoch as e, count(*)::int as n from rows group by all order by all'
    assert.deepEqual(await rawRows(join(world.folder, 'lake/bronze/orders'), sql), [
      { e: 0, n: 3 },
      { e: 1, n: 5 },
    ])
    assert.equal((await verifyTable(world, table, { againstLog: true })).ok, true)
  })

  it('I1: what tells engines to drop positions is taken out as ingest begins, with a warning', async (t) => {
    const world = await scratchWorld(t)
    const schema = await registerOrders(world)
    await produce(world, orders(schema, 2))
    await ingestAll(world)
    await setProperty(join(world.folder, 'lake/bronze/orders'), TXN_RETENTION, 'interval 1 day')
    await setProperty(join(world.folder, 'lake/bronze/orders'), 'delta.logRetentionDuration', 'interval 90 days')
    await produce(world, orders(schema, 1, 2))
    assert.deepEqual((await ingestAll(world))[0]!.errors, [])
    const { metadata } = (await openSnapshot(world.lake.at('bronze/orders')))!
    assert.deepEqual(metadata.configuration, { 'delta.logRetentionDuration': 'interval 90 days' })
    const warnings = world.events.seen.filter((event) => event.type === 'warning')
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]!.message, /setTransactionRetentionDuration was taken out/)
    assert.equal((await landed(world)).length, 3)
  })
})
