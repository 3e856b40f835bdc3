import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import { CONNECTOR_DECLARATIONS } from '../../src/compose/connector-declarations.ts'
import { declareSettings } from '../../src/domain/setting-declarations-all.ts'
import { settingsExample } from '../../src/settings/settings-example.ts'
import { loadSettings } from '../../src/settings/load-settings.ts'
import { settingsSchema } from '../../src/settings/settings-schema.ts'
import { assertGolden, ROOT } from '../golden/golden-file.ts'
import { makeProject, WHOLE } from './project.ts'

const declared = declareSettings(CONNECTOR_DECLARATIONS)
const schema = settingsSchema(declared)
const validate = new Ajv2020({ allowUnionTypes: true, strict: false }).compile(schema)

test('config/settings.schema.json is in step with the declarations', () => {
  assertGolden('config/settings.schema.json', `${JSON.stringify(schema, null, 2)}\n`)
})

test('the schema takes the settings files of this repository', () => {
  for (const file of ['config/dev.yaml', 'examples/online-retail/config.yaml']) {
    assert.ok(validate(parse(readFileSync(join(ROOT, file), 'utf8'))), `${file}: ${JSON.stringify(validate.errors)}`)
  }
})

test('the schema refuses what the parser refuses', (t) => {
  const wrong = [
    `${WHOLE}ingest: {flush_mib: 3}\n`,
    `${WHOLE}ingest: {flush_age: 30}\n`,
    `${WHOLE}topics: {orders: {partitions: 0}}\n`.replace('topics:\n  orders: {partitions: 4, retention: 7d}\n', ''),
    WHOLE.replace('path: data', 'pth: data'),
    WHOLE.replace('connector: files', 'connector: flies'),
  ]
  for (const text of wrong) {
    assert.equal(validate(parse(text)), false, text)
    const project = makeProject(t, { 'sluice.yaml': text })
    assert.throws(() => loadSettings(project.input()))
  }
  assert.ok(validate(parse(WHOLE)))
})

test('the example of each connector is right as it stands', (t) => {
  for (const connector of CONNECTOR_DECLARATIONS) {
    const text = settingsExample(declared, connector)
    const project = makeProject(t, { 'sluice.yaml': text })
    // Secrets stand in variables, which whoever uses the example sets.
    const env = Object.fromEntries([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => [name, 'secret']))
    assert.equal(loadSettings(project.input({ connectors: CONNECTOR_DECLARATIONS, env })).sources.size, 1)
    assert.ok(validate(parse(text)))
  }
})

test('every size names its unit in its key, and every setting has a meaning', () => {
  const walk = (node: (typeof declared.fields)[string], name: string): void => {
    assert.match(node.meaning, /^[A-Z`].*\.$/, name)
    if (node.kind === 'setting') {
      assert.equal(node.type.kind === 'size_mb', name.endsWith('_mb'), name)
      return
    }
    const fields = node.kind === 'group' ? node.fields : node.entry.fields
    for (const [key, field] of Object.entries(fields)) walk(field, key)
    if (node.kind !== 'map') return
    for (const variant of Object.values(node.variants?.fields ?? {})) {
      for (const [key, field] of Object.entries(variant)) walk(field, key)
    }
  }
  walk(declared, 'settings')
})
