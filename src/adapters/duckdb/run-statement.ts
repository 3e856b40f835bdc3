import type {
  DuckDBConnection,
  DuckDBPendingResult,
  DuckDBPreparedStatement,
  DuckDBResultReader,
} from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'

/**
 * Statements that may take long. Left to itself the client waits for the engine's threads by asking without a pause
 * whether they are done, with a core of its own: where one thread works and that one waits, all is paid for twice.
 * Here the engine's threads work alone (`external_threads` is 0), and are asked every few milliseconds.
 */

export async function runStatement(connection: DuckDBConnection, sql: string): Promise<void> {
  await runAndReadAll(connection, sql)
}

export async function runAndReadAll(connection: DuckDBConnection, sql: string): Promise<DuckDBResultReader> {
  const statement = await connection.prepare(sql)
  try {
    return await readAll(statement)
  } finally {
    statement.destroySync()
  }
}

export async function readAll(statement: DuckDBPreparedStatement): Promise<DuckDBResultReader> {
  const pending = statement.start()
  await settled(pending)
  return pending.readAll()
}

/** Most statements are done so soon: they are asked without a pause. */
const AT_ONCE_MS = 2
const SHORTEST_MS = 1
const LONGEST_MS = 8
/** Of the time that a statement has taken so far: how much later than it its end may be seen. */
const SHARE = 1 / 8

/** Until the engine has nothing more to do for it. What came of it, errors too, tells `pending` itself. */
async function settled(pending: DuckDBPendingResult): Promise<void> {
  // what the client keeps to itself: should another release call it otherwise, then it waits in its own way
  const { pending_result: inner } = pending as unknown as { readonly pending_result?: duckdb.PendingResult }
  if (inner === undefined) return
  const startedMs = performance.now()
  while (isUnderWay(duckdb.pending_execute_check_state(inner))) {
    const takenMs = performance.now() - startedMs
    if (takenMs < AT_ONCE_MS) await setImmediate()
    else await sleep(Math.min(LONGEST_MS, Math.max(SHORTEST_MS, takenMs * SHARE)))
  }
}

function isUnderWay(state: duckdb.PendingState): boolean {
  return state === duckdb.PendingState.NO_TASKS_AVAILABLE || state === duckdb.PendingState.RESULT_NOT_READY
}
