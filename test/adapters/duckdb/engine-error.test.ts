import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { engineError } from '../../../src/adapters/duckdb/engine-error.ts'

test('what the engine says of a value that fails does not quote it (I13)', async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const values = [
    `canary@example.org`,
    `canary 'x' "y"`,
    `two\ncanary\nlines`,
    `canary\nLINE 1: canary`,
    '9160555010199',
  ]
  const said = new Map<string, number>()
  for (const value of values) {
    const text = `'${value.replaceAll("'", "''")}'`
    for (const sql of [
      `cast(v as integer)`,
      `cast(v as date)`,
      `cast(v as timestamp)`,
      `cast(v as boolean)`,
      `cast(v as uuid)`,
      `cast(v as decimal(4, 1))`,
      `cast(v as interval)`,
      `strptime(v, '%Y-%m')`,
      `cast(v as json)`,
      `cast(cast(v as bigint) as integer)`,
      `cast(v as bigint) * 9000000000000`,
      `cast(v as bigint) * cast(1000 as decimal(10, 2))`,
      `cast(v as integer[])`,
      `cast(v as struct(a integer))`,
    ]) {
      const error: unknown = await connection.run(`select ${sql} from (select ${text} as v) t`).then(
        () => null,
        (thrown: unknown) => thrown,
      )
      if (error === null) continue
      for (const code of ['MODEL_SQL', 'QUERY_INVALID'] as const) {
        const { message } = engineError(error, code)
        // The lines that quote the SQL hold the literal of this test, which no model has.
        const told = message.split('\n\nLINE')[0]!
        assert.ok(!told.includes('canary') && !told.includes('91605'), `${sql}: ${message}`)
        said.set(sql, (said.get(sql) ?? 0) + 1)
      }
    }
  }
  assert.ok(said.size >= 12, [...said.keys()].join(', '))
  connection.closeSync()
})
