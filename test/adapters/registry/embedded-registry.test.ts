import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { contentId } from '../../../src/adapters/registry/content-id.ts'
import { openEmbeddedRegistry, type EmbeddedRegistry } from '../../../src/adapters/registry/embedded-registry.ts'
import { checkEvolution } from '../../../src/contract/evolution.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import { canonicalContent } from '../../../src/domain/schema-content.ts'
import type { SchemaText } from '../../../src/ports/schema-registry.ts'

const record = (type: unknown): SchemaText => ({
  format: 'avro',
  text: JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'v', type }] }),
})

async function opened(context: TestContext): Promise<{ registry: EmbeddedRegistry; dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-registry-'))
  context.after(() => rm(dir, { recursive: true, force: true }))
  return {
    dir,
    registry: await openEmbeddedRegistry({ dir, compatible: checkEvolution, clock: { newId: randomUUID } }),
  }
}

test('two registries give one content one id: ids are stable by content', async (context) => {
  const [one, two] = [await opened(context), await opened(context)]
  await one.registry.register('other-value', record('string'))
  assert.equal(
    (await one.registry.register('a', record('int'))).id,
    (await two.registry.register('b', record('int'))).id,
  )
})

test('content whose id is taken by another takes the next free one, and keeps it', async (context) => {
  const { registry, dir } = await opened(context)
  const wanted = contentId(canonicalContent(record('int')))
  await writeFile(join(dir, 'ids', `${wanted}.json`), JSON.stringify(record('string')))
  const { id } = await registry.register('a', record('int'))
  assert.equal(id, wanted + 1)
  assert.equal((await registry.register('b', record('int'))).id, id)
})

test('an id that was claimed by a registration which never finished is unknown', async (context) => {
  const { registry, dir } = await opened(context)
  await writeFile(join(dir, 'ids', '77.json'), JSON.stringify(record('int')))
  assert.equal(await registry.byId(77), null)
})

test('what a crash left behind is not read, and nothing temporary stays after a registration', async (context) => {
  const { registry, dir } = await opened(context)
  await registry.register('a', record('int'))
  await writeFile(join(dir, 'subjects', 'a', '.half.tmp'), '{"sub')
  assert.deepEqual(await registry.versions('a'), [1])
  assert.deepEqual(
    (await readdir(join(dir, 'ids'))).filter((name) => name.endsWith('.tmp')),
    [],
  )
})

test('the mode of a subject is kept and applied', async (context) => {
  const { registry } = await opened(context)
  await registry.register('a', record('int'))
  await registry.setCompatibility('a', 'FULL')
  assert.equal(await registry.compatibility('a'), 'FULL')
  await assert.rejects(
    registry.register('a', record('long')),
    (error) => error instanceof SluiceError && error.code === 'CONTRACT_INCOMPATIBLE',
  )
  await registry.setCompatibility('a', 'NONE')
  assert.equal((await registry.register('a', record('string'))).version, 2)
})

test('a refusal names every reason and the version it was held against', async (context) => {
  const { registry } = await opened(context)
  await registry.register('a', record('long'))
  await assert.rejects(
    registry.register('a', {
      ...record('int'),
      text: '{"type":"record","name":"R","fields":[{"name":"v","type":"int"},{"name":"w","type":"int"}]}',
    }),
    (error) =>
      error instanceof SluiceError &&
      /version 1/.test(error.message) &&
      /v: .*long.*int/.test(error.message) &&
      /w: .*default/.test(error.message),
  )
})

test('a damaged file is told as such, with its name', async (context) => {
  const { registry, dir } = await opened(context)
  await registry.register('a', record('int'))
  await writeFile(join(dir, 'subjects', 'a', '1.json'), '{"subject":')
  await assert.rejects(
    registry.latest('a'),
    (error) =>
      error instanceof SluiceError && error.code === 'REGISTRY_UNAVAILABLE' && error.message.includes('1.json'),
  )
})

test('a subject that would leave the folder is refused (I14)', async (context) => {
  const { registry } = await opened(context)
  for (const subject of ['../x', 'a/b', '', '.hidden']) {
    await assert.rejects(
      registry.register(subject, record('int')),
      (error) => error instanceof SluiceError && error.code === 'IDENTIFIER_INVALID',
    )
  }
})
