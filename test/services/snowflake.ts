import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { reasonToSkip, type Skip } from './cache.ts'
import { onFreePorts, startGuarded } from './guarded-process.ts'
import { readyEnvironment } from './python.ts'

/**
 * A stand-in for Snowflake on a loopback port, empty at first: fakesnow, which runs Snowflake's SQL on DuckDB behind
 * Snowflake's protocol. It has no STREAM, times of microseconds, no NUMBER beyond 64 bits without a scale, no rights and
 * no warehouses.
 */
export interface SnowflakeStandIn {
  readonly url: string
  /** Options of a source that reads it. */
  readonly options: Readonly<Record<string, string>>
  /** One after another; the rows of each, values as in Snowflake's JSON. */
  run(...statements: readonly string[]): Promise<(readonly (string | null)[])[][]>
  close(): Promise<void>
}

const REQUIREMENTS = [
  'fakesnow[server]==0.12.1',
  'snowflake-connector-python>=4,<4.9',
  'duckdb==2.0.1',
  'pyarrow==26.0.1',
]
const SHIM = join(import.meta.dirname, 'snowflake_shim.py')
const [USER, PASSWORD, DATABASE, SCHEMA] = ['sluice', 'snow-password', 'SHOP', 'PUBLIC']

/** For `test`'s `skip`: why there can be no stand-in here, or false. */
export function snowflakeMissing(): Promise<Skip> {
  return reasonToSkip(() => readyEnvironment(REQUIREMENTS))
}

export async function startSnowflake(): Promise<SnowflakeStandIn> {
  const python = await readyEnvironment(REQUIREMENTS)
  return onFreePorts(1, async ([port = 0]) => {
    const log = join(tmpdir(), `sluice-snowflake-${port}.log`)
    const url = `http://127.0.0.1:${port}`
    const server = await startGuarded({
      command: python,
      args: [SHIM, String(port), PASSWORD],
      cwd: tmpdir(),
      // The connector of Snowflake for Python looks for its files under home.
      env: { TZ: 'UTC', PYTHONUNBUFFERED: '1' },
      log,
      sweep: log,
      ready: async () => (await logIn(url)) !== '',
    })
    let token: Promise<string> | null = null
    return {
      url,
      options: { account: 'standin', host: url, user: USER, password: PASSWORD, database: DATABASE, schema: SCHEMA },
      async run(...statements) {
        token ??= logIn(url)
        const all: (readonly (string | null)[])[][] = []
        for (const sqlText of statements) all.push(await ask(url, await token, sqlText))
        return all
      },
      async close() {
        await server.stop()
        await rm(log, { force: true })
      },
    }
  })
}

interface Answer {
  readonly success: boolean
  readonly message: string | null
  readonly data: {
    readonly token?: string
    readonly rowset?: (string | null)[][]
    readonly chunks?: readonly { readonly url: string }[]
  }
}

async function logIn(url: string): Promise<string> {
  const path = `/session/v1/login-request?databaseName=${DATABASE}&schemaName=${SCHEMA}`
  const data = { LOGIN_NAME: USER, PASSWORD, SESSION_PARAMETERS: {} }
  return (await post(url + path, { data })).data.token ?? ''
}

async function ask(url: string, token: string, sqlText: string): Promise<(readonly (string | null)[])[]> {
  const { success, message, data } = await post(`${url}/queries/v1/query-request?requestId=1`, { sqlText }, token)
  if (!success) throw new Error(`${sqlText}: ${message}`)
  const rows = [...(data.rowset ?? [])]
  for (const chunk of data.chunks ?? []) {
    const text = await (await fetch(chunk.url)).text()
    rows.push(...(JSON.parse(`[${text}]`) as (string | null)[][]))
  }
  return rows
}

async function post(url: string, body: unknown, token?: string): Promise<Answer> {
  const authorization = token === undefined ? {} : { authorization: `Snowflake Token="${token}"` }
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization },
    body: JSON.stringify(body),
  })
  return (await answer.json()) as Answer
}
