import { readDatabaseOptions, type DatabaseOptions } from '../../src/domain/database-source.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import type { SourceSettings } from '../../src/domain/settings.ts'

/** The options of one source, checked. */
export interface RedshiftOptions extends DatabaseOptions {
  readonly source: string
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  readonly tls: 'verify' | 'require' | 'off'
  readonly tlsCaFile: string | null
  readonly connectTimeoutMs: number
  readonly statementTimeoutMs: number
  readonly unload: UnloadOptions | null
}

/** Pages of more rows than this go by way of S3. */
export interface UnloadOptions {
  readonly aboveRows: number
  /** `s3://bucket/prefix`. */
  readonly to: string
  /** An ARN, or `default`. */
  readonly role: string
}

export function readRedshiftOptions(source: string, options: SourceSettings['options']): RedshiftOptions {
  const textOrNull = (key: string): string | null => {
    const value = options[key]
    return typeof value === 'string' && value !== '' ? value : null
  }
  const text = (key: string): string => {
    const value = textOrNull(key)
    if (value !== null) return value
    const at = `sources.${source}.${key}`
    throw new SluiceError('SETTINGS_INVALID', `${at} is missing`, { where: { key: at } })
  }
  const number = (key: string, otherwise: number): number => {
    const value = options[key]
    return typeof value === 'number' ? value : otherwise
  }
  const tls = textOrNull('tls')
  return {
    ...readDatabaseOptions(source, options),
    source,
    host: text('host'),
    port: number('port', 5439),
    database: text('database'),
    user: text('user'),
    password: text('password'),
    tls: tls === 'require' || tls === 'off' ? tls : 'verify',
    tlsCaFile: textOrNull('tls_ca'),
    connectTimeoutMs: number('connect_timeout', 10_000),
    statementTimeoutMs: number('statement_timeout', 600_000),
    unload: unloadOf(source, options),
  }
}

function unloadOf(source: string, options: SourceSettings['options']): UnloadOptions | null {
  const [aboveRows, to, role] = [options['unload_above_rows'], options['unload_to'], options['unload_role']]
  if (typeof aboveRows !== 'number') return null
  if (typeof to === 'string' && typeof role === 'string') return { aboveRows, to, role }
  const key = `sources.${source}.${typeof to === 'string' ? 'unload_role' : 'unload_to'}`
  throw new SluiceError('SETTINGS_INVALID', `${key} is missing, and unload_above_rows needs it`, { where: { key } })
}
