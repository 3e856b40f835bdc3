import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { SluiceError, type ErrorCode } from '../../domain/errors.ts'

/** SQLite's primary result codes that mean something to a user; the low byte of an extended code. */
const BUSY = 5
const LOCKED = 6
const IOERR = 10
const CORRUPT = 11
const FULL = 13
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
    default: {
      const system = error instanceof Error && 'code' in error ? error.code : null
      if (system === 'ENOSPC' || system === 'EDQUOT') return made('DISK_FULL', 'the embedded log cannot grow')
      return made('LOG_UNAVAILABLE', 'the embedded log cannot be used')
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
