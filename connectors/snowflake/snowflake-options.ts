import { readDatabaseOptions, type DatabaseOptions } from '../../src/domain/database-source.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import type { SourceSettings } from '../../src/domain/settings.ts'
import { checkSqlName, parseTablePath } from '../../src/domain/source-name.ts'

/** The options of one source, checked. */
export interface SnowflakeOptions extends DatabaseOptions {
  readonly source: string
  readonly account: string
  /** Scheme, host and port. */
  readonly url: string
  readonly user: string
  readonly login: Login
  readonly role: string | null
  readonly warehouse: string | null
  readonly database: string | null
  readonly schema: string
  /** An IANA name; null: the session's own. */
  readonly timezone: string | null
  /** With `load_type: stream`. */
  readonly stream: StreamOptions | null
  readonly connectTimeoutMs: number
  readonly statementTimeoutMs: number
}

export interface StreamOptions {
  /** Its name with its database and schema, as far as they were written. */
  readonly path: readonly string[]
  /** Database and schema, as far as they were written, of what is staged; null: those of the stream. */
  readonly staging: readonly string[] | null
}

export type Login =
  | { readonly kind: 'password'; readonly password: string }
  | {
      readonly kind: 'key_pair'
      readonly key: { readonly pem: string } | { readonly file: string }
      readonly passphrase: string | null
    }
  | { readonly kind: 'oauth'; readonly token: string }

const ACCOUNT = /^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$/
const ZONE = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/

/** Throws SETTINGS_INVALID or IDENTIFIER_INVALID, with the key. */
export function readSnowflakeOptions(source: string, options: SourceSettings['options']): SnowflakeOptions {
  const at = (key: string): string => `sources.${source}.${key}`
  const refused = (key: string, why: string): SluiceError =>
    new SluiceError('SETTINGS_INVALID', `${at(key)} ${why}`, { where: { key: at(key) } })
  const textOrNull = (key: string): string | null => {
    const value = options[key]
    return typeof value === 'string' && value !== '' ? value : null
  }
  const text = (key: string): string => {
    const value = textOrNull(key)
    if (value === null) throw refused(key, 'is missing')
    return value
  }
  const name = (key: string): string | null => {
    const value = textOrNull(key)
    return value === null ? null : checkSqlName(value, at(key))
  }
  const number = (key: string, otherwise: number): number => {
    const value = options[key]
    return typeof value === 'number' ? value : otherwise
  }
  const account = text('account')
  if (!ACCOUNT.test(account)) throw refused('account', 'is no account such as myorg-myaccount')
  const timezone = textOrNull('timezone')
  if (timezone !== null && !ZONE.test(timezone)) throw refused('timezone', 'is no zone such as Europe/Berlin')
  return {
    ...readDatabaseOptions(source, options),
    source,
    account,
    url: urlOf(account, textOrNull('host'), (why) => refused('host', why)),
    user: text('user'),
    login: loginOf(textOrNull, refused),
    role: name('role'),
    warehouse: name('warehouse'),
    database: name('database'),
    schema: name('schema') ?? 'PUBLIC',
    timezone,
    stream: streamOf(textOrNull, at, refused),
    connectTimeoutMs: number('connect_timeout', 30_000),
    statementTimeoutMs: number('statement_timeout', 1_800_000),
  }
}

function streamOf(
  text: (key: string) => string | null,
  at: (key: string) => string,
  refused: (key: string, why: string) => SluiceError,
): StreamOptions | null {
  if (text('load_type') !== 'stream') return null
  const stream = text('stream')
  if (stream === null) throw refused('stream', 'is missing: `load_type: stream` reads it')
  const staging = text('staging_schema')
  const path = staging === null ? null : parseTablePath(staging, at('staging_schema'))
  if (path !== null && path.length > 2) throw refused('staging_schema', 'is no schema such as SHOP.SLUICE')
  return { path: parseTablePath(stream, at('stream')), staging: path }
}

/** A host of one's own, with `http://` only where what is sent does not leave the machine. */
function urlOf(account: string, host: string | null, refused: (why: string) => SluiceError): string {
  if (host === null) return `https://${account}.snowflakecomputing.com`
  const written = /^https?:\/\//.test(host) ? host : `https://${host}`
  if (!URL.canParse(written)) throw refused('is no host such as myorg-myaccount.privatelink.snowflakecomputing.com')
  const { protocol, hostname, origin, pathname, username, password } = new URL(written)
  if (pathname !== '/' || username !== '' || password !== '') throw refused('holds more than a host and its port')
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
  if (protocol === 'http:' && !isLoopback) throw refused('would send the login as it is; write the host alone')
  return origin
}

const LOGINS = ['password', 'private_key', 'private_key_file', 'oauth_token'] as const

function loginOf(
  text: (key: string) => string | null,
  refused: (key: string, why: string) => SluiceError,
): SnowflakeOptions['login'] {
  const given = LOGINS.filter((key) => text(key) !== null)
  if (given.length !== 1) {
    const why = given.length === 0 ? 'is missing' : `stands beside ${given.slice(1).join(' and ')}`
    throw refused(given[0] ?? 'password', `${why}: one of ${LOGINS.join(', ')} says how the user logs in`)
  }
  const [kind] = given
  const value = text(kind!)!
  switch (kind!) {
    case 'password':
      return { kind: 'password', password: value }
    case 'oauth_token':
      return { kind: 'oauth', token: value }
    case 'private_key':
      return { kind: 'key_pair', key: { pem: value }, passphrase: text('private_key_passphrase') }
    case 'private_key_file':
      return { kind: 'key_pair', key: { file: value }, passphrase: text('private_key_passphrase') }
  }
}
