import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { classifyError, SluiceError, type ErrorCode } from '../../domain/errors.ts'

/** SQLite's primary result codes that mean something to a user; the low byte of an extended code. */
const PERM = 3
const BUSY = 5
const LOCKED = 6
const NOMEM = 7
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const CANTOPEN = 14
const PROTOCOL = 15
const NOTADB = 26

/** Less than this is no room: SQLite reports some failures to grow a file as a plain I/O error. */
const NO_ROOM_BYTES = 1024 * 1024

/** Another process holds the lock: the same call may succeed a moment later. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === BUSY || code === LOCKED || code === PROTOCOL
}

/** Total: what SQLite threw as an error that says which log, what happened and what to do. */
export function logError(error: unknown, file: string): SluiceError {
  if (error instanceof SluiceError) return error
  const text = error instanceof Error ? error.message : String(error)
  const made = (code: ErrorCode, message: string): SluiceError =>
    new SluiceError(code, `${message} (${text})`, { where: { file }, cause: error })
  if (isBusy(error)) return made('LOG_UNAVAILABLE', 'the embedded log is held by other processes for too long')
  switch (sqliteCode(error)) {
    case FULL:
      return made('DISK_FULL', 'the embedded log cannot grow')
    case CORRUPT:
      return made('LOG_CORRUPT', 'the file of the embedded log is damaged')
    case NOTADB:
      return made('LOG_CORRUPT', 'the file in the place of the embedded log is not one')
    case IOERR:
      return hasNoRoom(file)
        ? made('DISK_FULL', 'the embedded log cannot grow')
        : made('LOG_UNAVAILABLE', 'the disk did not serve the embedded log')
    case PERM:
    case NOMEM:
    case READONLY:
    case CANTOPEN:
      return made('LOG_UNAVAILABLE', 'the embedded log cannot be used')
    default: {
      const known = classifyError(error)
      if (known.code === 'DISK_FULL') return made('DISK_FULL', 'the embedded log cannot grow')
      // A failed system call is the machine's; whatever else is thrown here is ours.
      const ofSystem = error instanceof Error && 'syscall' in error
      return ofSystem ? made('LOG_UNAVAILABLE', 'the embedded log cannot be used') : known
    }
  }
}

function sqliteCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : null
}

function hasNoRoom(file: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(file))
    return bavail * bsize < NO_ROOM_BYTES
  } catch {
    return false
  }
}
