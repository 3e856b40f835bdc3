import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { SluiceError } from '../../src/domain/errors.ts'
import { loadResolved, loadSettings } from '../../src/settings/load-settings.ts'
import { settingsYaml } from '../../src/settings/print-settings.ts'
import { makeProject, WHOLE } from './project.ts'

const KEY = 'correct horse battery staple'

function refusal(
  t: TestContext,
  text: string,
  env: Readonly<Record<string, string>> = {},
  sets: string[] = [],
): string {
  const project = makeProject(t, { 'sluice.yaml': `${WHOLE}${text}\n` })
  try {
    loadSettings({ ...project.input({ env }), sets })
  } catch (error) {
    assert.ok(error instanceof SluiceError && error.code === 'SETTINGS_INVALID', String(error))
    return error.message
  }
  return assert.fail('the settings were taken')
}

test('the hash key comes by reference only, and is never shown (I13)', (t) => {
  const project = makeProject(t, { 'sluice.yaml': `${WHOLE}privacy: {hash_key: "\${HASH_KEY}"}\n` })
  const { settings, resolved } = loadResolved(project.input({ env: { HASH_KEY: KEY } }))
  assert.equal(settings.privacy.hashKey, KEY)
  assert.match(settingsYaml(resolved), /hash_key: \(secret\)/)
  assert.doesNotMatch(settingsYaml(resolved), /horse/)

  const said = [
    refusal(t, `privacy: {hash_key: "${KEY}"}`),
    refusal(t, `privacy: {hash_key: "\${HASH_KEY:${KEY}}"}`),
    refusal(t, '', {}, [`privacy.hash_key=${KEY}`]),
  ]
  for (const message of said) {
    assert.match(message, /must come from the environment/)
    assert.doesNotMatch(message, /horse/)
  }
  const short = refusal(t, 'privacy: {hash_key: "${HASH_KEY}"}', { HASH_KEY: 'too short a key' })
  assert.match(short, /has 15 characters, and needs 16 or more/)
  assert.doesNotMatch(short, /too short/)
})

test('without it there is none; earlier seal keys are a list, and never shown', (t) => {
  const project = makeProject(t, { 'sluice.yaml': `${WHOLE}errors: {old_seal_keys: ["\${OLD}", hunter2]}\n` })
  const { settings, resolved } = loadResolved(project.input({ env: { OLD: 'older' } }))
  assert.equal(settings.privacy.hashKey, null)
  assert.deepEqual(settings.errors.oldSealKeys, ['older', 'hunter2'])
  assert.doesNotMatch(settingsYaml(resolved), /older|hunter2/)
  const wrong = refusal(t, 'errors: {old_seal_keys: {a: hunter2}}')
  assert.doesNotMatch(wrong, /hunter2/)
})
