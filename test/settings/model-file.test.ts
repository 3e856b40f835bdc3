import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { SluiceError } from '../../src/domain/errors.ts'
import { parseTableName } from '../../src/domain/identifier.ts'
import { loadModels, parseModel } from '../../src/settings/model-file.ts'

function parse(yaml: string, sql: string | null = 'select 1') {
  return parseModel({ name: parseTableName('gold.m'), yaml, yamlFile: 'gold/m.yaml', sql, sqlFile: 'gold/m.sql' })
}

function refusal(run: () => unknown): SluiceError {
  try {
    run()
  } catch (error) {
    if (error instanceof SluiceError) return error
    throw error
  }
  assert.fail('taken')
}

function inFolder(files: Readonly<Record<string, string>>, work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-model-files-'))
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('a model is what its YAML says and its SQL selects', () => {
  const yaml = `description: Sales
kind: merge
key: [id, line]
sequence_by: at
tie_break: no
partition_by: [day]
lookups:
  - {dimension: gold.dim_customer, on: {customer_id: id}, at: at_time, as: customer_sk}
  - dimension: gold.dim_shop
    on: {shop: shop_id, region: region_id}
    as: shop_sk
`
  assert.deepEqual(parse(yaml, 'select x'), {
    layer: 'gold',
    table: 'm',
    kind: 'merge',
    description: 'Sales',
    sql: 'select x',
    sqlFile: 'gold/m.sql',
    yamlFile: 'gold/m.yaml',
    key: ['id', 'line'],
    sequenceBy: 'at',
    tieBreak: ['no'],
    track: [],
    surrogateKey: null,
    lookups: [
      {
        dimension: { layer: 'gold', table: 'dim_customer' },
        on: [{ fact: 'customer_id', dimension: 'id' }],
        at: 'at_time',
        as: 'customer_sk',
      },
      {
        dimension: { layer: 'gold', table: 'dim_shop' },
        on: [
          { fact: 'shop', dimension: 'shop_id' },
          { fact: 'region', dimension: 'region_id' },
        ],
        at: null,
        as: 'shop_sk',
      },
    ],
    rowLookups: [],
    derive: [],
    partitionBy: ['day'],
    over: null,
  })
  const calendar = parse('kind: calendar\nover: {table: silver.orders, column: day}\n', null)
  assert.deepEqual(calendar.over, { table: { layer: 'silver', table: 'orders' }, column: 'day' })
})

test('what is wrong is named with file, line and key', () => {
  const wrong: readonly (readonly [string, number, string, RegExp])[] = [
    ['kind: merge\nkeys: [a]\n', 2, 'keys', /keys is no key of a model; did you mean key\?/],
    ['kind: merg\n', 1, 'kind', /did you mean merge\?/],
    ['key: [a]\n', 1, 'kind', /kind is missing/],
    ['kind: merge\n', 1, 'key', /needs key/],
    ['kind: merge\nkey: []\n', 2, 'key', /needs key/],
    ['kind: full\nkey: [a]\n', 2, 'key', /means nothing in a model of kind full/],
    ['kind: scd2\nkey: a\nsurrogate_key: sk\n', 1, 'sequence_by', /needs sequence_by/],
    ['kind: merge\nkey: ["a b"]\n', 2, 'key', /letters, digits and "_"/],
    ['kind: merge\nkey: [a, a]\n', 2, 'key', /names a column twice/],
    ['kind: scd2\nkey: a\nsequence_by: t\nsurrogate_key: a\n', 4, 'surrogate_key', /named twice/],
    [
      'kind: merge\nkey: a\nlookups:\n  - {dimension: dim, on: {a: b}, as: c}\n',
      4,
      'lookups[0].dimension',
      /table name/,
    ],
    ['kind: merge\nkey: a\nlookups:\n  - {dimension: gold.d, as: c}\n', 4, 'lookups[0].on', /by which columns/],
    [
      'kind: merge\nkey: a\nlookups:\n  - {dimension: gold.d, on: {a: b}, as: c, of: x}\n',
      4,
      'lookups[0].of',
      /no key/,
    ],
    ['kind: merge\nkey: a\npartition_by:\n  x: y\n', 3, 'partition_by', /needs a value|list/],
  ]
  for (const [yaml, line, key, message] of wrong) {
    const error = refusal(() => parse(yaml))
    assert.equal(error.code, 'MODEL_INVALID', yaml)
    assert.match(error.message, message, yaml)
    assert.deepEqual(error.where, { file: 'gold/m.yaml', line, key }, yaml)
  }
  assert.equal(refusal(() => parse('kind: [merge\n')).code, 'YAML_INVALID')
  assert.match(refusal(() => parse('kind: full\n', null)).message, /no SQL beside it/)
  assert.match(
    refusal(() => parse('kind: calendar\nover: {table: silver.a, column: b}\n', 'select 1')).message,
    /has no SQL/,
  )
})

test('a folder of models is read by layer and name; what has no twin or no place is refused', () => {
  inFolder(
    {
      'silver/b.sql': 'select 1',
      'silver/b.yaml': 'kind: full\n',
      'gold/a.sql': 'select 2',
      'gold/a.yml': 'kind: full\n',
      'gold/README.md': 'x',
    },
    (folder) => {
      assert.deepEqual(
        loadModels(folder).map(({ layer, table, sql }) => [layer, table, sql]),
        [
          ['silver', 'b', 'select 1'],
          ['gold', 'a', 'select 2'],
        ],
      )
      assert.deepEqual(loadModels(join(folder, 'none')), [])
    },
  )
  inFolder({ 'silver/b.sql': 'select 1' }, (folder) => {
    assert.match(refusal(() => loadModels(folder)).message, /b.sql has no twin b.yaml/)
  })
  inFolder({ 'bronze/b.sql': 'select 1' }, (folder) => {
    assert.match(refusal(() => loadModels(folder)).message, /bronze tables are landed by ingest/)
  })
  inFolder({ 'silver/b-c.yaml': 'kind: full\n' }, (folder) => {
    assert.match(refusal(() => loadModels(folder)).message, /is not a table name/)
  })
})
