import { SluiceError, type ErrorCode } from '../../src/domain/errors.ts'
import type { RedshiftOptions } from './redshift-options.ts'

/**
 * What the database, or the way to it, answered, as an error of ours. By SQLSTATE (PostgreSQL documentation, appendix A,
 * whose codes Redshift keeps) and by Node's codes of network and TLS.
 */
export function redshiftError(options: RedshiftOptions, thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const code = thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
  const { source, host, port, user, database } = options
  const at = `${host}:${port}`
  const error = (kind: ErrorCode, what: string, setting: string | null, hint?: string): SluiceError =>
    new SluiceError(kind, `source ${source}: ${what}`, {
      where: { source, ...(setting === null ? {} : { key: `sources.${source}.${setting}` }) },
      ...(hint === undefined ? {} : { hint }),
      cause: thrown,
    })
  if (code === '28P01' || code === '28000')
    return error('SOURCE_REFUSED', `${at} refuses the login of user ${user}: ${message}`, 'password')
  if (code === '42501') return error('SOURCE_REFUSED', `user ${user} may not read it: ${message}`, 'user')
  if (TLS.test(code) || /SSL|certificate/i.test(message))
    return error(
      'SOURCE_REFUSED',
      `no trusted connection to ${at}: ${message}`,
      'tls',
      'Set tls_ca to the certificate of its authority, or tls to what the server offers.',
    )
  if (code === '3D000') return error('SOURCE_UNREADABLE', `${at} has no database ${database}`, 'database')
  if (code === '57014')
    return error(
      'SOURCE_UNAVAILABLE',
      `a statement took longer than statement_timeout: ${message}`,
      'statement_timeout',
      'Give the watermark column and the key an index or a sort key, or raise statement_timeout.',
    )
  if (code.startsWith('22'))
    return error(
      'SOURCE_UNREADABLE',
      `a value of its state or of the range does not fit the column: ${message}`,
      'watermark_column',
      `If the column changed its type, \`sluice checkpoint reset --source ${source}\`.`,
    )
  if (/^(08|53|57|40|58|XX)/.test(code) || !/^[0-9A-Z]{5}$/.test(code))
    return error('SOURCE_UNAVAILABLE', `${at} does not serve: ${message === '' ? code : message}`, null)
  return error('SOURCE_UNREADABLE', message, null, 'Mend what is named, in the settings or in the database.')
}

const TLS = /CERT|TLS|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/
