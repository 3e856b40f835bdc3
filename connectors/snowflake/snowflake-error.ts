import { SluiceError, type ErrorCode } from '../../src/domain/errors.ts'
import type { SnowflakeOptions } from './snowflake-options.ts'

/**
 * What Snowflake, or the way to it, answered, as an error of ours: by Snowflake's error number (the six digits before
 * its messages), by SQLSTATE, and by the SDK's own numbers (40xxxx). No secret of the settings is in its text.
 */
export function snowflakeError(options: SnowflakeOptions, thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return thrown
  const said = messageOf(thrown)
  const message = withoutSecrets(options, said.replaceAll(/\s+/g, ' ').trim())
  const { code, sqlState, status } = numbersOf(thrown)
  const { source, url, user, role, warehouse } = options
  const host = new URL(url).host
  const error = (kind: ErrorCode, what: string, setting: string | null, hint?: string): SluiceError =>
    new SluiceError(kind, `source ${source}: ${what}`, {
      where: { source, ...(setting === null ? {} : { key: `sources.${source}.${setting}` }) },
      ...(hint === undefined ? {} : { hint }),
      // The SDK's errors carry requests and answers along: of them only the text goes on.
      cause: new Error(message),
    })
  const mend = (what: string): string => `Mend ${what}, or grant the role what it needs.`

  if (code === '390201' || /requested (database|schema|warehouse|role) does not exist/i.test(message)) {
    const which = /requested (database|schema|warehouse|role)/i.exec(message)?.[1]?.toLowerCase() ?? 'database'
    return error('SOURCE_REFUSED', message, which, mend(`sources.${source}.${which}`))
  }
  if (code === '390189' || /^Role '.*' specified in the connect string/.test(message))
    return error('SOURCE_REFUSED', `user ${user} may not take role ${role ?? ''}: ${message}`, 'role')
  if (code === '390318')
    return error('SOURCE_REFUSED', `the OAuth token of user ${user} has expired`, 'oauth_token', 'Set a new token.')
  if (code === '390112' || code === '390114' || code === '390111')
    return error('SOURCE_UNAVAILABLE', `the session ended: ${message}`, null)
  if (code.startsWith('390'))
    return error('SOURCE_REFUSED', `${host} refuses the login of user ${user}: ${message}`, loginSetting(options))
  if (code.startsWith('404') || code.startsWith('405'))
    return error('SOURCE_REFUSED', `no login can be made of the settings: ${message}`, loginSetting(options))
  if (/resource monitor/i.test(message))
    return error('SOURCE_REFUSED', message, 'warehouse', 'Raise the quota of its resource monitor, or name another.')
  if (code === '000606')
    return error(
      'SOURCE_REFUSED',
      `no warehouse runs the queries of user ${user}: ${message}`,
      'warehouse',
      `Set sources.${source}.warehouse, and grant the role USAGE on it.`,
    )
  if (sqlState === '57P03')
    return error(
      'SOURCE_UNAVAILABLE',
      `warehouse ${warehouse ?? 'of the user'} does not serve: ${message}`,
      'warehouse',
      'Resume it (ALTER WAREHOUSE … RESUME), or set AUTO_RESUME.',
    )
  if (code === '000630' || code === '000604' || sqlState === '57014')
    return error(
      'SOURCE_UNAVAILABLE',
      `a statement was ended: ${message}`,
      'statement_timeout',
      'Raise statement_timeout, take a larger warehouse, or lower page_rows.',
    )
  if (code === '003001' || sqlState === '42501')
    return error('SOURCE_REFUSED', `role ${role ?? 'of the user'} may not do it: ${message}`, 'role')
  if (/stale/i.test(message) || code === '000707')
    return error('SOURCE_UNREADABLE', message, 'stream', 'What it held is gone: make it anew and reset the source.')
  if (code === '002003' || code === '002043' || sqlState.startsWith('42S'))
    return error('SOURCE_UNREADABLE', message, 'table', mend(`sources.${source}.table`))
  if (sqlState.startsWith('22') || code.startsWith('1000'))
    return error(
      'SOURCE_UNREADABLE',
      `a value of its state or of the range does not fit the column: ${message}`,
      'watermark_column',
      `If the column changed its type, \`sluice checkpoint reset --source ${source}\`.`,
    )
  if (sqlState.startsWith('42') || sqlState.startsWith('02'))
    return error('SOURCE_UNREADABLE', message, null, 'Mend what is named, in the settings or in Snowflake.')
  if (status === 403 || status === 404)
    return error('SOURCE_REFUSED', `${host} does not know account ${options.account}: ${message}`, 'account')
  return error('SOURCE_UNAVAILABLE', `${host} does not serve: ${message}`, null)
}

/** For a private key that cannot be read or opened. */
export function keyError(options: SnowflakeOptions, thrown: unknown): SluiceError {
  const { source } = options
  const key = `sources.${source}.${loginSetting(options)}`
  return new SluiceError(
    'SOURCE_REFUSED',
    `source ${source}: its private key cannot be opened: ${withoutSecrets(options, messageOf(thrown))}`,
    { where: { source, key }, hint: `Set ${key} to a key in PEM, and private_key_passphrase where it is encrypted.` },
  )
}

function loginSetting({ login }: SnowflakeOptions): string {
  switch (login.kind) {
    case 'password':
      return 'password'
    case 'oauth':
      return 'oauth_token'
    case 'key_pair':
      return 'pem' in login.key ? 'private_key' : 'private_key_file'
  }
}

function numbersOf(thrown: unknown): { code: string; sqlState: string; status: number } {
  const at = (name: string): unknown =>
    typeof thrown === 'object' && thrown !== null && name in thrown ? (thrown as Record<string, unknown>)[name] : null
  const code = at('code')
  const sqlState = at('sqlState')
  const response = at('response')
  const status =
    typeof response === 'object' && response !== null && 'statusCode' in response ? Number(response.statusCode) : 0
  return {
    code: typeof code === 'string' || typeof code === 'number' ? String(code) : '',
    sqlState: typeof sqlState === 'string' ? sqlState : '',
    status,
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

function withoutSecrets({ login }: SnowflakeOptions, text: string): string {
  const secrets =
    login.kind === 'password'
      ? [login.password]
      : login.kind === 'oauth'
        ? [login.token]
        : [...('pem' in login.key ? [login.key.pem] : []), ...(login.passphrase === null ? [] : [login.passphrase])]
  return secrets.reduce((told, each) => told.replaceAll(each, '***'), text)
}
