import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { VERBS } from '../../src/cli/verb-list.ts'
import { runFrame } from '../cli/frame/fake-frame.ts'
import { assertGolden, ROOT } from './golden-file.ts'

test('`sluice --help` shows every verb, grouped', async () => {
  assertGolden('test/golden/help.txt', (await runFrame(['--help'], { verbs: VERBS })).out)
})

test('`sluice VERB --help` of each verb', async () => {
  for (const { name } of VERBS) {
    const ran = await runFrame([...name.split(' '), '--help'], { verbs: VERBS })
    assert.deepEqual([ran.exit, ran.err], [0, ''], name)
    assertGolden(`test/golden/help/${name.replace(' ', '-')}.txt`, ran.out)
  }
})

test('no help text is left of a verb that is gone', () => {
  const folder = join(ROOT, 'test/golden/help')
  const held = existsSync(folder) ? readdirSync(folder) : []
  const known = new Set(VERBS.map(({ name }) => `${name.replace(' ', '-')}.txt`))
  assert.deepEqual(
    held.filter((name) => !known.has(name)),
    [],
  )
})

test('what the list says of arguments is what the verb declares', async () => {
  for (const verb of VERBS) {
    const { positionals, flags } = await verb.load()
    for (const { name } of positionals) assert.ok(verb.usage.includes(name), `${verb.name}: ${name}`)
    assert.ok(!verb.summary.endsWith('.'), verb.name)
    const names = flags.map((flag) => flag.name)
    assert.equal(new Set(names).size, names.length, `${verb.name} declares a flag twice`)
  }
})

test('no line of a help text is wider than 120 characters', async () => {
  const texts = [await runFrame(['--help'], { verbs: VERBS })]
  for (const { name } of VERBS) texts.push(await runFrame([...name.split(' '), '--help'], { verbs: VERBS }))
  const wide = texts.flatMap(({ out }) => out.split('\n').filter((line) => line.length > 120))
  assert.deepEqual(wide, [])
})
