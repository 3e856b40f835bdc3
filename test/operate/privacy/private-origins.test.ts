import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseContract } from '../../../src/contract/parse-contract.ts'
import { plainName } from '../../../src/domain/contract.ts'
import { parseTableName } from '../../../src/domain/identifier.ts'
import type { ModelDefinition } from '../../../src/domain/model.ts'
import { privateOrigins } from '../../../src/operate/privacy/private-origins.ts'
import { parseModel } from '../../../src/settings/model-file.ts'
import { avro } from '../../contract/judged.ts'

const CHANGE = '_op, _record_ts, _epoch, _partition, _offset'
const contract = parseContract(
  avro([
    { name: 'id', type: 'long' },
    { name: 'email', type: 'string', pii: 'email' },
    { name: 'city', type: 'string' },
    { name: 'changed', type: { type: 'long', logicalType: 'timestamp-micros' } },
  ]),
)
const bronze = new Map([
  [
    'bronze.people',
    {
      names: contract.fields.map(({ column }) => column.name),
      hidden: new Map(
        contract.fields.filter(({ pii }) => pii !== null).map((each) => [plainName(each.column.name), each]),
      ),
    },
  ],
])

function model(
  name: string,
  sql: string,
  yaml = 'kind: merge\nkey: [id]\nsequence_by: changed\ntie_break: [id]\n',
): ModelDefinition {
  return parseModel({ name: parseTableName(name), yaml, yamlFile: `${name}.yaml`, sql, sqlFile: `${name}.sql` })
}

test('a column made of a private one is private under any name, from table to table (I13)', () => {
  const known = privateOrigins(
    [
      model(
        'silver.people',
        `select id, email as contact, lower(trim(email)) as login, city || email as label, city, changed, ${CHANGE} from bronze.people`,
      ),
      model('gold.logins', `select login as who, count(*) as n from silver.people group by login`, 'kind: full\n'),
    ],
    bronze,
  )
  const hidden = (table: string): string[] =>
    [...(known.get(table)?.hidden ?? [])].map(([name, { pii }]) => `${name} ${pii}`)
  assert.deepEqual(hidden('silver.people'), ['contact email', 'login private', 'label private'])
  assert.deepEqual(hidden('gold.logins'), ['who private'])
})

test('what orders the changes repeats columns, and is as private as they are', () => {
  const yaml = 'kind: merge\nkey: [id]\nsequence_by: changed\ntie_break: [city, contact]\n'
  const sql = `select id, email as contact, city, changed, ${CHANGE} from bronze.people`
  const hidden = privateOrigins([model('silver.people', sql, yaml)], bronze).get('silver.people')?.hidden
  assert.deepEqual([...(hidden?.keys() ?? [])], ['contact', 'tie2'])
})
