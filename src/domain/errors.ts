import { ERRORS_OF_OPERATION } from './errors-of-operation.ts'
import { ERRORS_OF_SERVICES } from './errors-of-services.ts'
import { ERRORS_OF_USE } from './errors-of-use.ts'
import { row, type ErrorRow } from './error-row.ts'

/**
 * The one table of errors. Every error that a user can meet has a row here: meaning, retry class, exit code and the
 * anchor of its runbook (`runbooks/ERRORS.md#<code in lower case>`). Row-level refusals are not errors; they are
 * dead letters (`dead-letter.ts`).
 */

export const ERRORS = {
  ...ERRORS_OF_USE,
  ...ERRORS_OF_SERVICES,
  ...ERRORS_OF_OPERATION,
  BUG: row('Sluice itself is at fault.', 'never', 70, 'Report it with the message and its cause.'),
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS

/** Where something happened: any of these that is known. Never a value of a record. */
export interface ErrorWhere {
  readonly file?: string
  readonly line?: number
  readonly key?: string
  readonly topic?: string
  readonly partition?: number
  readonly offset?: string
  readonly table?: string
  readonly model?: string
  readonly source?: string
  readonly subject?: string
  readonly version?: number
}

export interface ErrorDetails {
  readonly where?: ErrorWhere
  /** What to do here, where the table's cure can be made more exact. */
  readonly hint?: string
  readonly cause?: unknown
}

/** The only error class that Sluice throws on purpose. Expected outcomes are values (`outcome.ts`), not throws. */
export class SluiceError extends Error {
  readonly code: ErrorCode
  readonly where: ErrorWhere
  readonly hint: string

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'SluiceError'
    this.code = code
    this.where = details.where ?? {}
    this.hint = details.hint ?? ERRORS[code].cure
  }

  get row(): ErrorRow {
    return ERRORS[this.code]
  }
}

/** The form of an error on stdout under `--json`. */
export interface ErrorReport {
  readonly code: ErrorCode
  readonly message: string
  readonly where: ErrorWhere
  readonly hint: string
  readonly retryable: boolean
  readonly runbook: string
}

/** Total and never throws: what is not a `SluiceError` is classified by its system code, else a BUG. */
export function classifyError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  const message = error instanceof Error ? error.message : String(error)
  const system = systemCode(error)
  if (system === 'ENOSPC' || system === 'EDQUOT') return new SluiceError('DISK_FULL', message, { cause: error })
  if (
    system === 'EIO' ||
    system === 'EMFILE' ||
    system === 'ENFILE' ||
    system === 'EROFS' ||
    system === 'EACCES' ||
    system === 'EPERM'
  ) {
    return new SluiceError('STORE_UNAVAILABLE', message, { cause: error })
  }
  return new SluiceError('BUG', message, { cause: error })
}

export function reportError(error: SluiceError): ErrorReport {
  return {
    code: error.code,
    message: error.message,
    where: error.where,
    hint: error.hint,
    retryable: error.row.retry === 'transient',
    runbook: runbookAnchor(error.code),
  }
}

export function runbookAnchor(code: ErrorCode): string {
  return `runbooks/ERRORS.md#${code.toLowerCase()}`
}

/** The gravest of several exit codes: 70, 6, 4, 3, 5, 2, 1, 0. */
export function gravestExit(codes: Iterable<number>): number {
  const order = [70, 6, 4, 3, 5, 2, 1]
  const seen = new Set(codes)
  return order.find((code) => seen.has(code)) ?? 0
}

function systemCode(error: unknown): string | null {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return null
}
