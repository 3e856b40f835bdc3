import assert from 'node:assert/strict'
import { writeFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openEmbeddedRegistry } from '../../../../src/adapters/registry/embedded-registry.ts'
import { VERBS } from '../../../../src/cli/verb-list.ts'
import { checkEvolution } from '../../../../src/contract/evolution.ts'
import { scratchWorld } from '../../../support/scratch-world.ts'
import type { TestWorld } from '../../../support/world.ts'
import { runFrame } from '../../frame/fake-frame.ts'

type Form = Readonly<Record<string, unknown>>

const schema = (...fields: readonly object[]): string => JSON.stringify({ type: 'record', name: 'Line', fields })
const id = (constraints: object) => ({ name: 'id', type: 'long', constraints })

/** Contract verbs as a user calls them, over a folder of schemas and a registry of its own. */
async function project(t: TestContext) {
  const world = await scratchWorld(t)
  const schemas = join(world.folder, 'schemas')
  await mkdir(schemas, { recursive: true })
  await writeFile(
    join(world.folder, 'sluice.yaml'),
    'lake: {uri: lake}\nregistry: {dir: registry}\npaths: {schemas: schemas}\n',
  )
  const registry = await openEmbeddedRegistry({
    dir: join(world.folder, 'contracts'),
    compatible: checkEvolution,
    clock: { newId: () => crypto.randomUUID() },
  })
  const settings = { ...world.settings, paths: { ...world.settings.paths, schemas } }
  const run = (...argv: string[]) =>
    runFrame(argv, {
      verbs: VERBS,
      cwd: world.folder,
      nowMs: () => world.clock.nowMs(),
      openWorld: async () =>
        Object.assign(Object.create(world) as TestWorld, { registry, settings, close: async () => undefined }),
    })
  return {
    registry,
    run,
    write: (name: string, text: string) => writeFile(join(schemas, name), text),
    json: async (...argv: string[]) => {
      const ran = await run(...argv, '--json')
      return { exit: ran.exit, form: JSON.parse(ran.out) as Form }
    },
  }
}

test('contract check, register and diff: a proposal takes force only by register, and only if it may follow', async (t) => {
  const { registry, json, run, write } = await project(t)
  await write('lines-value.avsc', schema(id({ minimum: 0 })))
  await write('other-value.schema.json', '{"type":"object","properties":{"a":{"type":"string"}}}')

  assert.equal((await run('contract', 'check')).exit, 0)
  assert.deepEqual(await registry.subjects(), [])
  assert.equal((await run('contract', 'register', '--dry-run')).exit, 0)
  assert.deepEqual(await registry.subjects(), [])

  const first = await json('contract', 'register')
  assert.equal(first.exit, 0)
  assert.deepEqual(
    (first.form['subjects'] as Form[]).map(({ subject, outcome, version }) => [subject, outcome, version]),
    [
      ['lines-value', 'first', 1],
      ['other-value', 'first', 1],
    ],
  )

  await write('lines-value.avsc', schema(id({ minimum: 1 }), { name: 'note', type: ['null', 'string'], default: null }))
  const differs = await json('contract', 'diff', 'lines-value')
  assert.deepEqual(
    (differs.form['changes'] as Form[]).map(({ kind, field }) => [kind, field]),
    [
      ['tightened', 'id'],
      ['added', 'note'],
    ],
  )
  assert.equal(differs.form['from'], 1)

  const refused = await json('contract', 'check')
  assert.equal(refused.exit, 4)
  assert.equal((refused.form['error'] as Form)['code'], 'CONTRACT_INCOMPATIBLE')
  assert.equal((await run('contract', 'register')).exit, 4)
  assert.deepEqual(await registry.versions('lines-value'), [1])

  assert.equal((await run('contract', 'check', 'lines-value', '--allow-tightening')).exit, 0)
  assert.equal((await run('contract', 'register', 'schemas/lines-value.avsc', '--allow-tightening')).exit, 0)
  assert.deepEqual(await registry.versions('lines-value'), [1, 2])
  assert.equal(((await json('contract', 'diff', 'lines-value', '2')).form['changes'] as Form[]).length, 0)
})

test('one proposal that may not follow keeps all from being registered', async (t) => {
  const { registry, run, write } = await project(t)
  await write('a-value.avsc', schema(id({})))
  assert.equal((await run('contract', 'register')).exit, 0)
  await write('a-value.avsc', schema({ name: 'id', type: 'int' }))
  await write('b-value.avsc', schema(id({})))
  const ran = await run('contract', 'register')
  assert.equal(ran.exit, 4)
  assert.match(ran.err, /id: .*long.*int/)
  assert.deepEqual(await registry.subjects(), ['a-value'])
})

test('what is malformed or missing is refused by name (exit 2)', async (t) => {
  const { json, write } = await project(t)
  await write('a-value.avsc', schema(id({ minimun: 1 })))
  for (const [argv, code] of [
    [['contract', 'check'], 'CONTRACT_INVALID'],
    [['contract', 'register'], 'CONTRACT_INVALID'],
    [['contract', 'check', 'none-value'], 'SUBJECT_UNKNOWN'],
    [['contract', 'check', 'none.avsc'], 'FILE_UNREADABLE'],
    [['contract', 'diff', 'none-value'], 'SUBJECT_UNKNOWN'],
  ] as const) {
    const { exit, form } = await json(...argv)
    assert.deepEqual([exit, (form['error'] as Form)['code']], [2, code], argv.join(' '))
  }
})
