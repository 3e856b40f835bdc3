/**
 * The one table of errors. Every error that a user can meet has a row here: meaning, retry class, exit code and the
 * anchor of its runbook (`runbooks/ERRORS.md#<code in lower case>`). Row-level refusals are not errors; they are
 * dead letters (`dead-letter.ts`).
 */

export type RetryClass =
  /** The same call may succeed later without anyone acting. */
  | 'transient'
  /** Only a person can clear it. */
  | 'operator'
  /** The call or the settings are wrong. */
  | 'never'

export interface ErrorRow {
  readonly meaning: string
  readonly retry: RetryClass
  readonly exit: 1 | 2 | 3 | 4 | 5 | 6 | 70
  /** What to do, in one sentence; a throw may give a more exact one. */
  readonly cure: string
}

export const ERRORS = {
  // exit 2: usage and settings
  USAGE: row('The command line is not one that Sluice takes.', 'never', 2, 'See `sluice --help`.'),
  SETTINGS_INVALID: row(
    'A setting is unknown, missing or of the wrong form.',
    'never',
    2,
    'Mend the named key; `sluice config schema` lists what is allowed.',
  ),
  FILE_UNREADABLE: row(
    'A file that was named is missing or cannot be read.',
    'never',
    2,
    'Check the path and its permissions.',
  ),
  YAML_INVALID: row('A YAML file cannot be parsed.', 'never', 2, 'Mend the named line.'),
  TABLE_UNKNOWN: row('No table of that name exists.', 'never', 2, 'See `sluice status` for the tables.'),
  TABLE_UNSUPPORTED: row(
    'A folder is no Delta table, or needs a protocol feature that Sluice does not have.',
    'never',
    2,
    'Read it with an engine that has the named feature.',
  ),
  VERSION_UNKNOWN: row(
    'The table has no such version, or its log no longer reaches back so far.',
    'never',
    2,
    'See `sluice table history T`.',
  ),
  LETTER_UNKNOWN: row('No dead letter has that row id.', 'never', 2, 'See `sluice errors list --all`.'),
  TOPIC_UNKNOWN: row('No topic of that name exists.', 'never', 2, 'See `sluice topic list`.'),
  SOURCE_UNKNOWN: row('No source of that name exists.', 'never', 2, 'See `sources:` in the settings.'),
  MODEL_UNKNOWN: row('No model of that name exists.', 'never', 2, 'See the folder `paths.models`.'),
  MODEL_INVALID: row('A model cannot be understood or planned.', 'never', 2, 'Mend the named file.'),
  MODEL_CYCLE: row('Models depend on each other in a circle.', 'never', 2, 'Break the named circle.'),
  MODEL_SQL: row('The SQL of a model fails.', 'never', 2, 'Mend the named model; `sluice query` tries SQL out.'),
  QUERY_INVALID: row('The SQL of a query fails.', 'never', 2, 'Mend the SQL.'),
  CONTRACT_INVALID: row(
    'A contract is malformed or uses what Sluice does not have.',
    'never',
    2,
    'Mend the named schema file.',
  ),
  LOG_UNSUPPORTED: row(
    'The embedded log was written by another version of Sluice, or the broker is too old.',
    'never',
    2,
    'Use the version of Sluice that wrote it, or name another folder; Kafka must be 3.1 or newer.',
  ),
  SUBJECT_UNKNOWN: row(
    'The registry has no such subject or version.',
    'never',
    2,
    'Register it: `sluice contract register`.',
  ),
  IDENTIFIER_INVALID: row(
    'A name holds characters that are not allowed in names.',
    'never',
    2,
    'Use letters, digits and underscores.',
  ),
  STORE_UNSAFE: row(
    'The object store does not honour put-if-absent: of two writers both would believe that they committed.',
    'never',
    2,
    'Keep the lake on a store that does: AWS S3, versitygw, MinIO, or a local folder.',
  ),
  REGISTRY_UNSAFE: row(
    'The registry does not give schemas back as they were registered: rules and privacy would be lost.',
    'never',
    2,
    'Use a registry that keeps unknown attributes of a schema.',
  ),
  CONFIRMATION_NEEDED: row('The verb changes data and was not confirmed.', 'never', 2, 'Add --yes.'),
  // exit 3, 4
  GATE_BLOCKED: row(
    'A critical expectation failed on a staged result; nothing was committed.',
    'operator',
    3,
    'Look with `sluice query --staged`, then `sluice gate`.',
  ),
  GATE_STALE: row(
    'A staged result was made from, or against, what no longer stands; nothing was committed.',
    'operator',
    3,
    'Build again: `sluice build`.',
  ),
  STAGED_UNKNOWN: row(
    'No result of that table is staged, or it has expired.',
    'never',
    2,
    'Build it: `sluice build MODEL --stage-only`.',
  ),
  CONTRACT_INCOMPATIBLE: row(
    'A proposed contract breaks readers of the one in force.',
    'never',
    4,
    'Propose a compatible change, or a new subject.',
  ),
  // exit 5: worth a retry
  STORE_UNAVAILABLE: row(
    'The object store or disk did not serve a request.',
    'transient',
    5,
    'Try again; `sluice doctor` names the cause.',
  ),
  DISK_FULL: row(
    'The disk has no room left; nothing was lost, the last commit stands.',
    'transient',
    5,
    'Free room and run again.',
  ),
  LOG_UNAVAILABLE: row('The broker did not answer.', 'transient', 5, 'Try again; `sluice doctor` names the cause.'),
  REGISTRY_UNAVAILABLE: row(
    'The schema registry did not answer.',
    'transient',
    5,
    'Try again; `sluice doctor` names the cause.',
  ),
  SOURCE_UNAVAILABLE: row('A source did not answer.', 'transient', 5, 'Try again.'),
  WORKER_DIED: row(
    'A worker thread ended in the middle of its work; what it held was not committed and is read again.',
    'transient',
    5,
    'Run again; if it goes on, lower ingest.flush_mb, or set ingest.workers to 0 to see the cause in this process.',
  ),
  COMMIT_CONTENDED: row('Other writers won every attempt at a commit.', 'transient', 5, 'Run again.'),
  ENGINE_RESOURCES: row(
    'The model engine ran out of memory or disk.',
    'transient',
    5,
    'Raise the memory limit or free room, and run again.',
  ),
  // exit 6: a person acts
  BROKER_REFUSED: row(
    'The broker refused the login, or what was asked of it.',
    'operator',
    6,
    'Check `broker.sasl`, `broker.tls` and what the principal may do (ACLs).',
  ),
  SCHEMA_ID_UNKNOWN: row(
    'A record names a schema id that the registry does not have; its lane stopped before it.',
    'operator',
    6,
    'Register the missing schema, or skip past it with `sluice checkpoint reset`.',
  ),
  OFFSET_OUT_OF_RANGE: row(
    'The log no longer holds the position of a lane; records between were removed before they were read.',
    'operator',
    6,
    'Accept the gap with `sluice checkpoint reset`.',
  ),
  SOURCE_CHANGED: row(
    'A topic is not the one that the lane read before (recreated, or another cluster).',
    'operator',
    6,
    'Check the broker, then `sluice checkpoint reset --accept-new-topic`.',
  ),
  STORE_REFUSED: row(
    'The object store refuses our credentials, our rights, or the bucket.',
    'operator',
    6,
    'Mend what the message names; `sluice doctor` tells when it works.',
  ),
  REGISTRY_REFUSED: row('The schema registry refuses our login.', 'operator', 6, 'Set registry.username and password.'),
  TABLE_MISSING: row(
    'A table that held data before is gone.',
    'operator',
    6,
    'Restore its files, or remove its state knowingly.',
  ),
  TABLE_FILES_MISSING: row(
    'Files that a table declares are gone.',
    'operator',
    6,
    'Restore them, or `sluice table restore`.',
  ),
  FILE_CORRUPT: row(
    'A file of a table is damaged, or in a form that Sluice cannot read.',
    'operator',
    6,
    'Restore the named file from a copy.',
  ),
  SOURCE_FILE_CHANGED: row(
    'A file that was already read has other content now; its source stopped.',
    'operator',
    6,
    'Put the old file back and deliver the change as a new file.',
  ),
  SOURCE_UNREADABLE: row('A source cannot be read until a person acts.', 'operator', 6, 'Mend what is named.'),
  CONTRACT_MISSING: row('A lane has no contract in force.', 'operator', 6, 'Register it: `sluice contract register`.'),
  TABLE_TYPE_CONFLICT: row(
    'The contract asks for a column type that the table cannot take.',
    'operator',
    6,
    'Keep the old type, or land it in a new table.',
  ),
  LOG_CORRUPT: row(
    'The log holds bytes that fail their checksum or are not of the form that they state.',
    'operator',
    6,
    'Restore the embedded log from a copy; on Kafka pass the batch with `sluice checkpoint reset`.',
  ),
  SEAL_KEY_MISSING: row('A contract tags PII and no seal key is set.', 'operator', 6, 'Set errors.seal_key.'),
  HASH_KEY_MISSING: row(
    'A contract hashes a field on ingest and no hash key is set.',
    'operator',
    6,
    'Set privacy.hash_key to a variable that holds the key.',
  ),
  LETTERS_UNREADABLE: row(
    'A file of the error lane holds a line that cannot be read.',
    'operator',
    6,
    'Restore the named file from a copy; what it held is counted as missing until then.',
  ),
  LANE_STOPPED: row('A lane stopped until a person acts.', 'operator', 6, 'See `sluice status`.'),
  // exit 70
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

function row(meaning: string, retry: RetryClass, exit: ErrorRow['exit'], cure: string): ErrorRow {
  return { meaning, retry, exit, cure }
}
