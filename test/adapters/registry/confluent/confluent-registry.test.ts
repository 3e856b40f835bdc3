import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../../../src/adapters/clock/system-clock.ts'
import { openConfluentRegistry } from '../../../../src/adapters/registry/confluent/confluent-registry.ts'
import { depthOf } from '../../../../src/adapters/registry/confluent/check-schema.ts'
import { openKnownSchemas } from '../../../../src/adapters/registry/confluent/known-schemas.ts'
import type { RegistryAddress } from '../../../../src/adapters/registry/confluent/registry-http.ts'
import { checkEvolution } from '../../../../src/contract/evolution.ts'
import type { Clock } from '../../../../src/ports/clock.ts'
import type { SchemaRegistry, SchemaText } from '../../../../src/ports/schema-registry.ts'
import { startFakeRegistry, type FakeRegistry } from './fake-registry.ts'

const FIRST: SchemaText = {
  format: 'avro',
  text: '{"type":"record","name":"R","fields":[{"name":"id","type":"long","constraints":{"minimum":1}}]}',
}

interface Opened {
  readonly fake: FakeRegistry
  readonly open: (more?: Partial<RegistryAddress>) => SchemaRegistry
}

async function opened(t: TestContext): Promise<Opened> {
  const fake = await startFakeRegistry()
  t.after(() => fake.close())
  return {
    fake,
    open(more = {}) {
      const address = { url: fake.url, username: null, password: null, caFile: null, timeoutMs: 10_000, ...more }
      const registry = openConfluentRegistry({ address, compatible: checkEvolution, clock: hurried() })
      t.after(() => registry.close())
      return registry
    },
  }
}

/** Its pauses are over at once, so that the time for an answer may be long however slow the machine is. */
function hurried(): Clock {
  let aheadMs = 0
  const sleep = async (ms: number): Promise<void> => void (aheadMs += ms)
  return { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs, sleep, random: () => 0 }
}

test('a registry that drops attributes is refused at its first use; one that reorders keys is not', async (t) => {
  const { fake, open } = await opened(t)
  fake.giveBack = (text) => text.replaceAll(/,"(pii|on_ingest)":"[a-z]+"/g, '')
  await assert.rejects(open().subjects(), { code: 'REGISTRY_UNSAFE' })
  await assert.rejects(open().byId(1), { code: 'REGISTRY_UNSAFE' })
  fake.giveBack = (text) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text) as object).reverse()))
  assert.deepEqual(await open().subjects(), [], "the probe is nobody's subject")
})

test('what is probed is registered once, ever', async (t) => {
  const { fake, open } = await opened(t)
  await open().subjects()
  await open().subjects()
  assert.equal(fake.requests.filter(({ method }) => method === 'POST').length, 2)
})

test('while the registry is down, known ids and the latest version flow on; an unknown id is never taken for absent', async (t) => {
  const { fake, open } = await opened(t)
  const registry = open()
  const first = await registry.register('orders-value', FIRST)
  assert.deepEqual(await registry.latest('orders-value'), first)
  fake.answer = () => ({ status: 503, body: '' })
  assert.deepEqual(await registry.byId(first.id), first)
  assert.deepEqual(await registry.latest('orders-value'), first)
  const asked = fake.requests.length
  assert.deepEqual(await registry.latest('orders-value'), first)
  assert.equal(fake.requests.length, asked, 'it is left alone for a while')
  await assert.rejects(registry.byId(999), { code: 'REGISTRY_UNAVAILABLE' })
  await assert.rejects(registry.latest('others-value'), { code: 'REGISTRY_UNAVAILABLE' })
  await assert.rejects(open().byId(first.id), { code: 'REGISTRY_UNAVAILABLE' })
  fake.answer = () => null
  assert.equal(await registry.byId(999), null)
})

test('a failure that passes is passed; a refusal is one that a person clears, and the password is in no message', async (t) => {
  const { fake, open } = await opened(t)
  let left = 3
  fake.answer = () => ((left -= 1) >= 0 ? { status: 500, body: 'oops' } : null)
  assert.deepEqual(await open().subjects(), [])
  fake.answer = () => ({ status: 401, body: '{"error_code":401,"message":"Unauthorized"}' })
  const login = { username: 'me', password: 'hunter2' }
  await assert.rejects(open(login).subjects(), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'REGISTRY_REFUSED')
    assert.doesNotMatch(error.message, /hunter2/)
    return true
  })
  const sent = fake.requests.at(-1)!.authorization
  assert.equal(sent, `Basic ${Buffer.from('me:hunter2').toString('base64')}`)
})

test('what answers, but is no registry, is not believed', async (t) => {
  const { fake, open } = await opened(t)
  for (const body of ['<html>welcome</html>', '[]', '{}', '""', '7', '{"schema":7}']) {
    fake.answer = () => ({ status: 200, body })
    await assert.rejects(open().byId(5), { code: 'REGISTRY_UNAVAILABLE' }, body)
  }
})

test('I8 a 404 that no registry says, as of a wrong path or what stands before it, is never taken for an absent schema', async (t) => {
  const { fake, open } = await opened(t)
  const pages = ['<html>no such page</html>', '{"error_code":404,"message":"HTTP 404 Not Found"}', '']
  const wrong = { code: 'REGISTRY_UNAVAILABLE', message: /404.*no schema registry.*path of registry\.url/s }
  fake.answer = () => ({ status: 404, body: pages[0]! })
  await assert.rejects(open().byId(5), wrong, 'at the first use')
  fake.answer = () => null
  const registry = open()
  const first = await registry.register('orders-value', FIRST)
  assert.deepEqual(await registry.latest('orders-value'), first)
  for (const body of pages) {
    fake.answer = () => ({ status: 404, body })
    await assert.rejects(registry.byId(999), wrong, body)
    assert.deepEqual(await registry.latest('orders-value'), first, 'what is known flows on')
  }
})

test('a version that is listed late is waited for; a schema that never comes back as it was is refused', async (t) => {
  const { fake, open } = await opened(t)
  const registry = open()
  await registry.subjects()
  let hidden = 2
  fake.answer = (method, path) =>
    method === 'GET' && path.endsWith('/subjects/orders-value/versions') && (hidden -= 1) >= 0
      ? { status: 200, body: '[]' }
      : null
  const first = await registry.register('orders-value', FIRST)
  assert.deepEqual(await registry.versions('orders-value'), [1], 'it is registered once')
  assert.equal(first.version, 1)
  fake.giveBack = (text) => text.replace('"minimum":1', '"minimum":2')
  await assert.rejects(registry.register('others-value', FIRST), { code: 'REGISTRY_UNSAFE' })
})

test('a registry that redirects is refused with where it is', async (t) => {
  const { fake, open } = await opened(t)
  fake.answer = () => ({ status: 308, body: '', location: 'https://registry.example:8081/apis?token=hunter2' })
  await assert.rejects(open().byId(5), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'REGISTRY_REFUSED')
    assert.match(error.message, /308.*https:\/\/registry\.example:8081\/apis/)
    assert.doesNotMatch(error.message, /hunter2/)
    return true
  })
})

test('a schema that is too large, too deep, of another type or in pieces is refused unparsed', async (t) => {
  const { fake, open } = await opened(t)
  const registry = open()
  await registry.subjects()
  const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`
  const bad = [
    { schema: deep },
    { schema: `"${'x'.repeat(2_000_000)}"` },
    { schema: '"string"', schemaType: 'PROTOBUF' },
    { schema: '"Other"', references: [{ name: 'Other', subject: 'other', version: 1 }] },
  ]
  for (const [at, answer] of bad.entries()) {
    fake.answer = () => ({ status: 200, body: JSON.stringify(answer) })
    await assert.rejects(registry.byId(100 + at), { code: 'CONTRACT_INVALID' })
  }
  fake.answer = () => ({ status: 200, body: JSON.stringify({ schema: `"${'x'.repeat(9_000_000)}"` }) })
  const asked = fake.requests.length
  await assert.rejects(registry.byId(200), { code: 'CONTRACT_INVALID' })
  assert.equal(fake.requests.length, asked + 1, 'it is not asked for again')
})

test('a subject that is no name never reaches the address (I14)', async (t) => {
  const { fake, open } = await opened(t)
  const registry = open()
  for (const subject of ['../config', 'a/b', '', 'a?b', 'a b']) {
    await assert.rejects(registry.latest(subject), { code: 'IDENTIFIER_INVALID' })
    await assert.rejects(registry.register(subject, FIRST), { code: 'IDENTIFIER_INVALID' })
  }
  assert.equal(fake.requests.length, 0)
})

test('depth counts brackets outside of strings', () => {
  assert.equal(depthOf('{"a":["[[[[","\\"[["]}'), 2)
  assert.equal(depthOf('"[["'), 0)
})

test('schemas are remembered up to a bound, those asked for last', () => {
  const schema = (id: number) => ({ id, subject: 's', version: id, format: 'avro' as const, text: 'x'.repeat(100) })
  const known = openKnownSchemas(1_000)
  for (const id of [1, 2]) known.add(schema(id))
  assert.equal(known.get(1)?.id, 1)
  known.add(schema(3))
  assert.equal(known.get(2), null)
  assert.deepEqual([known.get(1)?.id, known.get(3)?.id], [1, 3])
})
