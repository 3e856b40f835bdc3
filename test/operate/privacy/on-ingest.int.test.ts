import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { hashToken } from '../../../src/domain/masking.ts'
import { redriveTable, type RedriveReport } from '../../../src/operate/redrive.ts'
import { order, produce, registerOrders } from '../../support/orders.ts'
import { rawRows } from '../../support/raw-delta.ts'
import { ingestAll, scratchWorld } from '../../support/scratch-world.ts'
import type { TestWorld } from '../../support/world.ts'

const hashKey = 'a hash key of this test'
const token = (kind: string, value: string): string => hashToken(hashKey, kind, Buffer.from(value))

const fields = (n: object, mail: object = { pii: 'email', on_ingest: 'hash' }): object[] => [
  { name: 'id', type: 'string' },
  { name: 'n', type: 'int', ...n },
  { name: 'mail', type: ['null', 'string'], default: null, ...mail },
]

const open = (t: TestContext, more: object = {}): Promise<TestWorld> =>
  scratchWorld(t, { errors: { sealKey: 'a seal key' }, privacy: { hashKey }, ...more })

const redrive = (world: TestWorld, more: object = {}): Promise<RedriveReport> =>
  redriveTable({ world, table: world.settings.tables.get('orders')!, filter: {}, dryRun: false, ...more })

const rows = (world: TestWorld, sql: string) => rawRows(join(world.folder, 'lake/bronze/orders'), sql)

describe('what is hashed on ingest', () => {
  it('is hashed by a redrive and counted by a rehearsal, which says so where the key is missing', async (t) => {
    const world = await open(t)
    const schema = await registerOrders(world, fields({ constraints: { minimum: 0 } }))
    await produce(world, [
      order(schema, { id: 'a', n: 1, mail: 'a@b.org' }),
      order(schema, { id: 'b', n: -1, mail: 'b@b.org' }),
    ])
    await ingestAll(world)
    const looser = await registerOrders(world, fields({}))
    assert.equal((await redrive(world, { contract: looser, dryRun: true })).passed, 1)
    const keyless = await scratchWorld(t, { folder: world.folder, errors: { sealKey: 'a seal key' } })
    await assert.rejects(redrive(keyless), { code: 'HASH_KEY_MISSING' })
    assert.equal((await redrive(world)).passed, 1)
    assert.deepEqual(await rows(world, 'select id, mail from rows order by id'), [
      { id: 'a', mail: token('email', 'a@b.org') },
      { id: 'b', mail: token('email', 'b@b.org') },
    ])
  })

  it('stays as it is when another column of its table is widened, and its bounds are in no version of the log', async (t) => {
    const world = await open(t)
    const narrow = await registerOrders(world, fields({}))
    await produce(world, [order(narrow, { id: 'a', n: 1, mail: 'a@b.org' })])
    await ingestAll(world)
    const wide = await registerOrders(world, fields({ type: 'long' }))
    await produce(world, [order(wide, { id: 'b', n: 5_000_000_000n, mail: 'b@b.org' })])
    const [report] = await ingestAll(world)
    assert.deepEqual(report?.errors, [])
    assert.deepEqual(await rows(world, 'select n::varchar as n, mail from rows order by id'), [
      { n: '1', mail: token('email', 'a@b.org') },
      { n: '5000000000', mail: token('email', 'b@b.org') },
    ])
    const table = world.lake.at('bronze/orders')
    for await (const { path } of table.list('_delta_log/')) {
      const text = Buffer.from((await table.read(path))!).toString('utf8')
      assert.ok(!text.includes(token('email', 'a@b.org').slice(0, 20)), path)
    }
  })

  it('cannot take the place of a column of another type: the lane stops and says so', async (t) => {
    const world = await open(t)
    const plain = await registerOrders(world, fields({ pii: 'customer' }))
    await produce(world, [order(plain, { id: 'a', n: 1, mail: null })])
    await ingestAll(world)
    const hashed = await world.registry.register(
      'orders-value',
      {
        format: 'avro',
        text: JSON.stringify({ type: 'record', name: 'Order', fields: fields({ pii: 'customer', on_ingest: 'hash' }) }),
      },
      { force: true },
    )
    await produce(world, [order(hashed, { id: 'b', n: 2, mail: null })])
    const [report] = await ingestAll(world)
    assert.deepEqual(
      report?.errors.map(({ code, where }) => [code, where.key]),
      [['TABLE_TYPE_CONFLICT', 'n']],
    )
  })
})
