import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type * as Sdk from 'snowflake-sdk'
import type { Bind, Connection, ConnectionOptions, RowStatement } from 'snowflake-sdk'

import { cellOf, type Cell } from './cell-text.ts'
import { keyError, snowflakeError } from './snowflake-error.ts'
import type { Login, SnowflakeOptions } from './snowflake-options.ts'

export type WireRow = readonly Cell[]

export interface Streaming {
  readonly batchRows: number
  readonly signal: AbortSignal | undefined
}

/** One login, opened at first use and again once it broke. Errors come as ours. */
export interface Session {
  /** For small results: all rows at once. */
  readonly query: Query
  /** Rows as they come, in lists of at most `batchRows`; of a long result a few chunks are held, never all of it. */
  rows(text: string, binds: readonly string[], streaming: Streaming): AsyncGenerator<readonly WireRow[]>
  /** Of SHOW and DESCRIBE, whose columns are known by their names and not by their places. */
  records(text: string): Promise<readonly Readonly<Record<string, Cell>>[]>
  /**
   * Statements of one connection, all of them or none: where it breaks in between, none is sent on another. `name` is
   * what the transaction is found by from elsewhere.
   */
  transaction(name: string, work: (query: Query) => Promise<void>): Promise<void>
  close(): Promise<void>
}

export type Query = (text: string, binds?: readonly string[]) => Promise<readonly WireRow[]>

export function openSession(options: SnowflakeOptions): Session {
  let open: Promise<Connection> | null = null
  const opened = (): Promise<Connection> => {
    if (open !== null) return open
    const mine = connect(options).catch((error: unknown) => {
      if (open === mine) open = null
      throw error
    })
    open = mine
    return mine
  }
  /** A session that may be at an end is not asked again. */
  const told = (thrown: unknown): Error => {
    const error = snowflakeError(options, thrown)
    if (error.code === 'SOURCE_UNAVAILABLE') {
      const broken = open
      open = null
      broken?.then(destroy).catch(() => undefined)
    }
    return error
  }
  return {
    async query(text, binds = []) {
      const connection = await opened()
      try {
        return (await answer(connection, text, binds)).rows
      } catch (thrown) {
        throw told(thrown)
      }
    },
    async records(text) {
      const connection = await opened()
      try {
        const { names, rows } = await answer(connection, text, [])
        return rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at] ?? null])))
      } catch (thrown) {
        throw told(thrown)
      }
    },
    async transaction(name, work) {
      const connection = await opened()
      const query: Query = async (text, binds = []) => (await answer(connection, text, binds)).rows
      try {
        await query(`begin transaction name ${name}`)
        try {
          await work(query)
        } catch (error) {
          await query('rollback').catch(() => undefined)
          throw error
        }
        await query('commit')
      } catch (thrown) {
        throw told(thrown)
      }
    },
    async *rows(text, binds, { batchRows, signal }) {
      const connection = await opened()
      let running: RowStatement | null = null
      const cancel = (): void => running?.cancel(() => undefined)
      signal?.addEventListener('abort', cancel)
      try {
        const { statement } = await execute(connection, {
          text,
          binds,
          streamed: true,
          started: (begun) => (running = begun),
        })
        const convert = converterOf(statement)
        let rows: WireRow[] = []
        for await (const row of statement.streamRows()) {
          rows.push(convert(row as readonly unknown[]))
          if (rows.length < batchRows) continue
          yield rows
          rows = []
        }
        if (rows.length > 0) yield rows
      } catch (thrown) {
        signal?.throwIfAborted()
        throw told(thrown)
      } finally {
        signal?.removeEventListener('abort', cancel)
      }
    },
    async close() {
      const opening = open
      open = null
      // What was never opened, or broke, has nothing to close.
      await opening?.then(destroy).catch(() => undefined)
    },
  }
}

interface Answer {
  /** In small letters. */
  readonly names: readonly string[]
  readonly rows: readonly WireRow[]
}

async function answer(connection: Connection, text: string, binds: readonly string[]): Promise<Answer> {
  const { rows, statement } = await execute(connection, { text, binds, streamed: false })
  const names = (statement.getColumns() ?? []).map((column) => column.getName().toLowerCase())
  return { names, rows: (rows ?? []).map(converterOf(statement)) }
}

interface Execution {
  readonly text: string
  readonly binds: readonly string[]
  readonly streamed: boolean
  readonly started?: (statement: RowStatement) => void
}

interface Executed {
  readonly statement: RowStatement
  /** Null where they are streamed. */
  readonly rows: readonly (readonly unknown[])[] | null
}

function execute(connection: Connection, { text, binds, streamed, started }: Execution): Promise<Executed> {
  return new Promise((resolve, reject) => {
    const begun = connection.execute({
      sqlText: text,
      binds: binds as readonly Bind[],
      rowMode: 'array',
      fetchAsString: ['Number'],
      streamResult: streamed,
      complete: (error, statement, rows) => {
        if (error) reject(error)
        else resolve({ statement, rows: (rows ?? null) as Executed['rows'] })
      },
    })
    started?.(begun)
  })
}

function converterOf(statement: RowStatement): (row: readonly unknown[]) => WireRow {
  const cells = (statement.getColumns() ?? []).map(cellOf)
  return (row) => cells.map((cell, at) => cell(row[at] ?? null))
}

/** What text a session reads and how long it works must not hang on what the account was set to. */
function sessionSettings({ timezone, statementTimeoutMs }: SnowflakeOptions): string {
  const seconds = Math.max(1, Math.ceil(statementTimeoutMs / 1000))
  const settings = [
    "timestamp_input_format = 'AUTO'",
    "date_input_format = 'AUTO'",
    "time_input_format = 'AUTO'",
    "binary_output_format = 'HEX'",
    'json_indent = 0',
    `statement_timeout_in_seconds = ${seconds}`,
    `lock_timeout = ${seconds}`,
    ...(timezone === null ? [] : [`timezone = '${timezone}'`]),
  ]
  return `alter session set ${settings.join(', ')}`
}

async function connect(options: SnowflakeOptions): Promise<Connection> {
  try {
    const sdk = await loadSdk()
    const connection = sdk.createConnection(await connectionOptions(options))
    await within(options.connectTimeoutMs, connected(connection), () => destroy(connection))
    await execute(connection, { text: sessionSettings(options), binds: [], streamed: false })
    return connection
  } catch (thrown) {
    throw snowflakeError(options, thrown)
  }
}

async function connectionOptions(options: SnowflakeOptions): Promise<ConnectionOptions> {
  const { source, account, url, user, role, warehouse, database, schema } = options
  return {
    account,
    accessUrl: url,
    username: user,
    ...(role === null ? {} : { role }),
    ...(warehouse === null ? {} : { warehouse }),
    ...(database === null ? {} : { database, schema }),
    ...(await loginOptions(options)),
    application: 'sluice',
    queryTag: `sluice:${source}`,
    // A database, schema or warehouse that is not there is told at the login, not by what fails later.
    validateDefaultParameters: true,
    // Else a null of a number is the text NULL.
    representNullAsStringNull: false,
    rowStreamHighWaterMark: ROWS_AHEAD,
    resultPrefetch: 1,
    sfRetryMaxLoginRetries: 1,
    clientStoreTemporaryCredential: false,
  } as ConnectionOptions
}

const ROWS_AHEAD = 1_000

async function loginOptions(options: SnowflakeOptions): Promise<ConnectionOptions> {
  const { login } = options
  switch (login.kind) {
    case 'password':
      return { authenticator: 'SNOWFLAKE', password: login.password }
    case 'oauth':
      return { authenticator: 'OAUTH', token: login.token }
    case 'key_pair':
      return { authenticator: 'SNOWFLAKE_JWT', privateKey: await openKey(options, login) }
  }
}

/** Opened here, so that a wrong passphrase is told before anything is sent. */
async function openKey(
  options: SnowflakeOptions,
  { key, passphrase }: Extract<Login, { kind: 'key_pair' }>,
): Promise<string> {
  try {
    const pem = 'pem' in key ? key.pem : await readFile(key.file, 'utf8')
    const opened = createPrivateKey({ key: pem, ...(passphrase === null ? {} : { passphrase }) })
    return opened.export({ type: 'pkcs8', format: 'pem' }).toString()
  } catch (thrown) {
    throw keyError(options, thrown)
  }
}

let loading: Promise<typeof Sdk> | null = null

/** Loaded once, and as quiet as it can be made: no log file, no look at the clouds' metadata, no native telemetry. */
function loadSdk(): Promise<typeof Sdk> {
  loading ??= (async () => {
    process.env['SNOWFLAKE_DISABLE_PLATFORM_DETECTION'] ??= 'true'
    process.env['SNOWFLAKE_DISABLE_MINICORE'] ??= 'true'
    const { default: sdk } = (await import('snowflake-sdk')) as unknown as { readonly default: typeof Sdk }
    sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false })
    return sdk
  })()
  return loading
}

function connected(connection: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.connect((error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}

function destroy(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    // One that never logged in throws.
    try {
      connection.destroy(() => resolve())
    } catch {
      resolve()
    }
  })
}

async function within<T>(ms: number, work: Promise<T>, onLate: () => unknown): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no login within ${Math.round(ms / 1000)} s`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } catch (error) {
    work.catch(() => undefined)
    void onLate()
    throw error
  } finally {
    clearTimeout(timer)
  }
}
