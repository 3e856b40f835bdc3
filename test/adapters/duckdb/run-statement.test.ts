import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import type { DuckDBConnection } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { engineError } from '../../../src/adapters/duckdb/engine-error.ts'
import { readAll, runAndReadAll, runStatement } from '../../../src/adapters/duckdb/run-statement.ts'

async function withConnection(work: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  for (const threads of ['1', '3']) {
    const instance = await DuckDBInstance.create(':memory:', { threads, external_threads: '0' })
    const connection = await instance.connect()
    try {
      await work(connection)
    } finally {
      connection.closeSync()
      instance.closeSync()
    }
  }
}

test('statements that the engine runs by itself give what they give', () =>
  withConnection(async (connection) => {
    await runStatement(connection, 'create temp table t as select i, i % 7 as seventh from range(300000) r(i)')
    const reader = await runAndReadAll(connection, 'select seventh, count(*) from t group by 1 order by 1')
    const counts = Array.from({ length: 7 }, (_, at) => [BigInt(at), BigInt(Math.ceil((300_000 - at) / 7))])
    assert.deepEqual(reader.getRows(), counts)
    const none = await connection.prepare('select i from t where i < 0')
    assert.deepEqual((await readAll(none)).getRows(), [])
  }))

test('a statement that fails on its way is told in the words that it is told in at once', () =>
  withConnection(async (connection) => {
    await runStatement(connection, `create temp table t as select concat('n', i) as v from range(200000) r(i)`)
    for (const sql of [
      'select sum(cast(v as integer)) from t',
      `copy (select cast(v as date) as d from t) to '/nowhere/at/all.parquet' (format parquet)`,
    ]) {
      const messages: string[] = []
      for (const run of [() => runAndReadAll(connection, sql), () => connection.runAndReadAll(sql)]) {
        await assert.rejects(run, (error) => messages.push(engineError(error, 'MODEL_SQL').message) > 0)
      }
      assert.equal(messages[0], messages[1])
      assert.doesNotMatch(messages[0]!, /unsuccessful or closed/)
    }
  }))

test('the client has what is asked while the engine works, so that nobody waits with a core of their own', () =>
  withConnection(async (connection) => {
    // longer than any test lasts
    const statement = await connection.prepare('select sum(hash(i)) from range(1000000000000) r(i)')
    const pending = statement.start()
    const { pending_result: inner } = pending as unknown as { readonly pending_result: duckdb.PendingResult }
    assert.equal(duckdb.pending_execute_check_state(inner), duckdb.PendingState.NO_TASKS_AVAILABLE)
    connection.interrupt()
    await assert.rejects(pending.readAll(), /interrupt/i)
  }))
