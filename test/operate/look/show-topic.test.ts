import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameRecord } from '../../../src/contract/wire.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import { showTopic, type ShownRecord, type TopicPlace } from '../../../src/operate/look/show-topic.ts'
import { message, order, orders, produce, registerOrders } from '../../support/orders.ts'
import { scratchWorld } from '../../support/scratch-world.ts'
import type { TestWorld } from '../../support/world.ts'

const show = (world: TestWorld, more: Partial<TopicPlace> = {}): Promise<ShownRecord[]> =>
  showTopic(world, { topic: 'orders', partition: 0, offset: null, limit: 1, ...more })

test('records are decoded, with what each table makes of them now', async (t) => {
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  const headers = [{ key: 'sluice.source', value: Buffer.from('file') }]
  await produce(world, [
    order(schema, { id: 'a', n: 7 }, { headers, timestampMs: 1_700_000_000_123 }),
    order(schema, { id: 'b', n: -1 }),
    message(null, { key: 'a' }),
  ])
  const [good, bad, gone] = await show(world, { offset: 0n, limit: 9 })
  assert.deepEqual(
    { ...good, verdicts: good!.verdicts.length },
    {
      offset: 0n,
      timestampMs: 1_700_000_000_123,
      key: 'a',
      headers: [{ key: 'sluice.source', value: 'file' }],
      kind: 'record',
      schemaId: schema.id,
      writtenAs: 'orders-value@1',
      record: { id: 'a', n: 7 },
      reason: null,
      bytes: good!.bytes,
      raw: null,
      verdicts: 1,
    },
  )
  assert.deepEqual(good!.verdicts, [{ table: 'bronze.orders', errors: [] }])
  assert.deepEqual(
    bad!.verdicts[0]!.errors.map(({ code, field }) => [code, field]),
    [['RANGE', 'n']],
  )
  assert.deepEqual([gone!.kind, gone!.key, gone!.verdicts[0]!.errors], ['tombstone', 'a', []])
})

test('what cannot be decoded says why and shows its first bytes', async (t) => {
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  await produce(world, [
    message(Buffer.from('plain text')),
    message(frameRecord(4242, Buffer.from([2, 97, 4]))),
    message(frameRecord(schema.id, Buffer.from([200]))),
  ])
  const [plain, unknown, broken] = await show(world, { offset: 0n, limit: 9 })
  assert.match(plain!.reason!, /byte 0 and a 4-byte schema id/)
  assert.equal(Buffer.from(plain!.raw!, 'base64').toString(), 'plain text')
  assert.match(unknown!.reason!, /no schema with id 4242/)
  assert.deepEqual(unknown!.verdicts, [])
  assert.match(broken!.reason!, new RegExp(`schema ${schema.id}`))
  assert.deepEqual(
    [plain, unknown, broken].map((each) => each!.kind),
    Array(3).fill('undecodable'),
  )
})

test('PII is masked in the record, its key, its headers and its raw bytes (I13)', async (t) => {
  const world = await scratchWorld(t, { tables: [{ key: ['id'] }] })
  const schema = await registerOrders(world, [
    { name: 'id', type: 'string', pii: 'email' },
    { name: 'n', type: 'int' },
  ])
  const mail = 'greta.garbo@example.org'
  const headers = [
    { key: 'customer', value: Buffer.from(mail) },
    { key: 'sluice.op', value: Buffer.from('u') },
  ]
  await produce(world, [
    order(schema, { id: mail, n: 1 }, { key: mail, headers }),
    message(Buffer.from(mail), { key: mail }),
  ])
  const shown = await show(world, { offset: 0n, limit: 2 })
  assert.doesNotMatch(
    JSON.stringify(shown, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    /garbo|Z3JldGE/,
  )
  assert.deepEqual(shown[0]!.record, { id: 'g***@***.org', n: 1 })
  assert.equal(shown[0]!.key, 'g***@***.org')
  assert.deepEqual(shown[0]!.headers, [
    { key: 'customer', value: '***' },
    { key: 'sluice.op', value: 'u' },
  ])
  assert.equal(shown[1]!.raw, null)
})

test('without an offset the last records are shown; outside the log is refused by name', async (t) => {
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 5))
  assert.deepEqual(
    (await show(world, { limit: 2 })).map(({ offset }) => offset),
    [3n, 4n],
  )
  assert.deepEqual((await show(world, { limit: 99 })).length, 5)
  for (const [place, expected] of [
    [{ offset: 5n }, /^USAGE orders\/0 holds the offsets 0 to 4; 5 is outside/],
    [{ partition: 3 }, /^USAGE topic orders has no partition 3/],
    [{ topic: 'orderz' }, /^TOPIC_UNKNOWN there is no topic orderz/],
  ] as const) {
    const error: unknown = await show(world, place).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof SluiceError)
    assert.match(`${error.code} ${error.message}`, expected)
  }
})
