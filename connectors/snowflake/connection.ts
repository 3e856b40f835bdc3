import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type * as Sdk from 'snowflake-sdk'
import type { Connection, ConnectionOptions } from 'snowflake-sdk'

import { execute } from './execute.ts'
import { keyError, snowflakeError } from './snowflake-error.ts'
import type { Login, SnowflakeOptions } from './snowflake-options.ts'

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

/** Logs in. Errors come as ours. */
export async function connect(options: SnowflakeOptions): Promise<Connection> {
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
    // What lasts is the pass's to wait out: the driver would ask a thousand times.
    sfRetryMaxLoginRetries: 0,
    sfRetryMaxNumRetries: 3,
    sfRetryMaxSleepTime: 4,
    largeResultSetRetryMaxNumRetries: 3,
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

export function destroy(connection: Connection): Promise<void> {
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
