import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { examine } from '../../../src/operate/doctor/examine.ts'
import { judgeClock } from '../../../src/operate/doctor/lake-check.ts'
import { checkPutIfAbsent } from '../../../src/operate/doctor/store-check.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import type { SourceConnector } from '../../../src/ports/source-connector.ts'
import { orders, orderSchema, produce, registerOrders } from '../../support/orders.ts'
import { ingestAll, scratchWorld } from '../../support/scratch-world.ts'
import type { TestWorld, TestWorldOptions } from '../../support/world.ts'

const levels = async (world: TestWorld): Promise<Record<string, string>> =>
  Object.fromEntries((await examine(world)).map(({ name, level }) => [name, level]))

const SOURCE: NonNullable<TestWorldOptions['sources']> = [
  { name: 'shop', connector: 'files', topic: 'orders', key: ['id'], pollIntervalMs: 60_000, options: {} },
]
const connector = (): SourceConnector => ({
  discover: async () => ({ objects: [{ name: 'a.csv', columns: [], key: [], bytes: 3 }] }),
  read: async function* () {},
  close: async () => undefined,
})

async function writeSchema(world: TestWorld, text: string): Promise<void> {
  await mkdir(world.settings.paths.schemas, { recursive: true })
  await writeFile(join(world.settings.paths.schemas, 'orders-value.avsc'), text)
}

test('a project that can run is told so, and nothing of the looking stays behind', async (t) => {
  const world = await scratchWorld(t, { sources: SOURCE, connector })
  await writeSchema(world, orderSchema().text)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 2))
  await ingestAll(world)
  const checks = await examine(world)
  assert.deepEqual(
    checks.filter(({ level }) => level !== 'ok'),
    [],
  )
  const left: string[] = []
  for await (const { path } of world.lake.list('_status/')) left.push(path)
  assert.deepEqual(left, [])
})

test('each fault is named by its own check, with a cure', async (t) => {
  const world = await scratchWorld(t, {
    sources: SOURCE,
    connector: () => ({ ...connector(), discover: async () => Promise.reject(new Error('no such folder')) }),
  })
  await mkdir(join(world.settings.paths.models, 'silver'), { recursive: true })
  await writeFile(join(world.settings.paths.models, 'silver/a.yaml'), 'kind: full\n')
  await writeFile(join(world.settings.paths.models, 'silver/a.sql'), 'select * from silver.a')
  await mkdir(join(world.folder, 'lake/gold/broken/_delta_log'), { recursive: true })
  await writeFile(join(world.folder, 'lake/gold/broken/_delta_log/00000000000000000000.json'), '{"metaData":')
  const found = await levels(world)
  assert.deepEqual(
    ['contracts', 'sources', 'models', 'tables'].map((name) => found[name]),
    ['fail', 'fail', 'fail', 'fail'],
  )
  assert.ok((await examine(world)).every(({ level, cure }) => level === 'ok' || (cure ?? '') !== ''))
})

test('a data file that a table declares and the store lacks fails (I8)', async (t) => {
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 2))
  await ingestAll(world)
  assert.equal((await levels(world))['tables'], 'ok')
  const files: string[] = []
  for await (const { path } of world.lake.list('bronze/orders/_run_date=')) files.push(path)
  await world.lake.delete(files)
  const check = (await examine(world)).find(({ name }) => name === 'tables')
  assert.deepEqual(
    [check?.level, files.some((file) => check?.detail.includes(file.split('/').at(-1)!))],
    ['fail', true],
  )
})

test('a contract with PII and no key to seal by fails (I13)', async (t) => {
  const world = await scratchWorld(t)
  await registerOrders(world, [{ name: 'id', type: 'string', pii: 'email' }])
  assert.equal((await levels(world))['contracts'], 'fail')
  const sealed = await scratchWorld(t, { folder: world.folder, errors: { sealKey: 'k'.repeat(44) } })
  assert.equal((await levels(sealed))['contracts'], 'ok')
})

test('a store that tells two writers that they wrote one name fails (I6)', async (t) => {
  const world = await scratchWorld(t)
  const lying = (uri: string): ObjectStore => {
    const real = world.storeAt(uri)
    return Object.assign(Object.create(real) as ObjectStore, {
      putIfAbsent: async (path: string, bytes: Uint8Array) => {
        await real.put(path, bytes)
        return 'written' as const
      },
      uri: real.uri,
    })
  }
  assert.equal((await checkPutIfAbsent({ ...world, storeAt: lying })).level, 'fail')
  assert.equal((await checkPutIfAbsent(world)).level, 'ok')
})

test('a registry that drops the rules of a schema fails; a file changed since is a warning', async (t) => {
  const world = await scratchWorld(t)
  await registerOrders(world)
  await writeSchema(world, orderSchema().text)
  assert.equal((await levels(world))['registry'], 'ok')
  await writeSchema(world, orderSchema([{ name: 'id', type: 'string', constraints: { minLength: 1 } }]).text)
  const changed = (await examine(world)).find(({ name }) => name === 'registry')
  assert.deepEqual([changed?.level, /orders-value/.test(changed?.detail ?? '')], ['warn', true])
  const { registry } = world
  const dropping: TestWorld = Object.assign({}, world, {
    registry: {
      ...registry,
      version: async (subject: string, version: number) => {
        const schema = await registry.version(subject, version)
        return schema === null ? null : { ...schema, text: orderSchema([{ name: 'id', type: 'string' }]).text }
      },
    },
  })
  assert.equal((await levels(dropping))['registry'], 'fail')
})

test('a clock behind the newest commit is told by how much', () => {
  const now = Date.UTC(2026, 0, 2)
  assert.equal(judgeClock(now, null).level, 'ok')
  assert.equal(judgeClock(now, now).level, 'ok')
  assert.equal(judgeClock(now, now + 5_000).level, 'warn')
  assert.match(judgeClock(now, now + 3_600_000).detail, /3600 s later/)
  assert.equal(judgeClock(now, now + 3_600_000).level, 'fail')
  assert.equal(judgeClock(0, null).level, 'fail')
})

test('a table that an engine without put-if-absent has written to is named, and the lake can be used', async (t) => {
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 2))
  await ingestAll(world)
  assert.equal((await levels(world))['writers'], 'ok')
  const commitInfo = { timestamp: Date.now(), operation: 'OPTIMIZE', engineInfo: 'Apache-Spark/4.0.1 Delta-Lake/4.0.0' }
  const entry = Buffer.from(`${JSON.stringify({ commitInfo })}\n`)
  await world.lake.putIfAbsent('bronze/orders/_delta_log/00000000000000000001.json', entry)
  const writers = (await examine(world)).find(({ name }) => name === 'writers')
  assert.equal(writers?.level, 'warn')
  assert.match(writers.detail, /version 1 of bronze\.orders is by Apache-Spark\/4\.0\.1/)
  assert.match(writers.cure ?? '', /sluice pause/)
  assert.equal((await levels(world))['tables'], 'ok')
})
