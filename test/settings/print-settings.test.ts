import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadResolved } from '../../src/settings/load-settings.ts'
import { REDACTED, settingsYaml } from '../../src/settings/print-settings.ts'
import { makeProject, WHOLE } from './project.ts'

test('what is printed is a settings file that gives the same settings again (I13: without the secret)', (t) => {
  const project = makeProject(t, {
    'deep/a.yaml': `${WHOLE.replace('data', () => '${DATA:d}/$${x}').replace('7d', 'forever')}errors: {seal_key: "\${KEY}"}\n`,
  })
  const first = loadResolved(project.input({ file: 'deep/a.yaml', env: { KEY: 'hunter2' } }))
  const text = settingsYaml(first.resolved)
  assert.doesNotMatch(text, /hunter2/)
  assert.match(text, /seal_key: \(secret\)/)
  const file = project.write('other/b.yaml', text)
  const again = loadResolved(project.input({ file })).settings
  assert.deepEqual(
    { ...again, file: null, errors: { ...again.errors, sealKey: null } },
    { ...first.settings, file: null, errors: { ...first.settings.errors, sealKey: null } },
  )
  assert.equal(again.errors.sealKey, REDACTED)
})
