import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, mkdir, open, rename, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { SluiceError } from '../../domain/errors.ts'
import type { PutOutcome } from '../../domain/outcome.ts'
import { temporaryName } from '../../domain/store-path.ts'

/**
 * Files that are whole and durable, or absent. Every write goes to a temporary file in the target's folder, is synced,
 * and only then takes its name by link or rename; the folder is synced before the call returns.
 *
 * Non-guarantee: a process that is killed leaves its temporary file behind. No reader ever sees it.
 */

/** Folders whose whole chain up to the root this process has synced. */
export type KnownFolders = Set<string>

export interface Target {
  readonly root: string
  /** Absolute. */
  readonly file: string
  readonly folders: KnownFolders
}

export async function replaceFile(target: Target, bytes: Uint8Array): Promise<void> {
  await viaTemporary(target, bytes, (temporary) => rename(temporary, target.file))
}

/** I6: `link` fails where the name is taken, so of any number of racing writers exactly one takes it. */
export async function createFile(target: Target, bytes: Uint8Array): Promise<PutOutcome> {
  let outcome: PutOutcome = 'written'
  await viaTemporary(target, bytes, async (temporary) => {
    try {
      await link(temporary, target.file)
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
      outcome = 'exists'
    }
    await unlink(temporary)
  })
  return outcome
}

/** Moves on one device, copies across devices; the local file may be gone afterwards. */
export async function adoptFile(target: Target, localFile: string): Promise<void> {
  await syncPath(localFile)
  await inFolder(target, async () => {
    try {
      await rename(localFile, target.file)
    } catch (error) {
      if (errorCode(error) !== 'EXDEV') throw error
      await copyFromOtherDevice(target, localFile)
    }
  })
  await syncPath(dirname(target.file))
}

/** An open temporary file beside the target, in a folder that exists durably. */
export async function openTemporary(target: Target): Promise<{ handle: FileHandle; temporary: string }> {
  const temporary = join(dirname(target.file), temporaryName(randomUUID()))
  return inFolder(target, async () => ({ handle: await open(temporary, 'wx'), temporary }))
}

export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Best effort: what cannot be removed now is a phantom that no reader sees. */
export async function discard(temporary: string): Promise<void> {
  try {
    await unlink(temporary)
  } catch {
    // The first failure is the one to report.
  }
}

export function errorCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}

/** Absence is a value for callers; the rest is told apart by what cures it. */
export function storeError(error: unknown, doing: string, file: string): SluiceError {
  if (error instanceof SluiceError) return error
  const code = errorCode(error)
  const message = `${doing} ${file} failed: ${error instanceof Error ? error.message : String(error)}`
  const details = { where: { file }, cause: error }
  if (code === 'ENOSPC' || code === 'EDQUOT') return new SluiceError('DISK_FULL', message, details)
  if (code === 'ENAMETOOLONG') return new SluiceError('IDENTIFIER_INVALID', message, details)
  if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EACCES' || code === 'EROFS') {
    const hint = 'The folder must be writable and its file system must support hard links.'
    return new SluiceError('STORE_UNAVAILABLE', message, { ...details, hint })
  }
  return code === null
    ? new SluiceError('BUG', message, details)
    : new SluiceError('STORE_UNAVAILABLE', message, details)
}

async function viaTemporary(
  target: Target,
  bytes: Uint8Array,
  take: (temporary: string) => Promise<void>,
): Promise<void> {
  const { handle, temporary } = await openTemporary(target)
  try {
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await take(temporary)
  } catch (error) {
    await discard(temporary)
    throw error
  }
  await syncPath(dirname(target.file))
}

async function copyFromOtherDevice(target: Target, localFile: string): Promise<void> {
  const temporary = join(dirname(target.file), temporaryName(randomUUID()))
  try {
    await copyFile(localFile, temporary, constants.COPYFILE_EXCL)
    await syncPath(temporary)
    await rename(temporary, target.file)
  } catch (failure) {
    await discard(temporary)
    throw failure
  }
}

const FOLDER_ATTEMPTS = 5

/** Again where someone removed the folder since, as it was empty: it is made, and synced, anew. */
async function inFolder<T>(target: Target, act: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await ensureFolder(target)
      return await act()
    } catch (error) {
      if (attempt >= FOLDER_ATTEMPTS || errorCode(error) !== 'ENOENT') throw error
      target.folders.clear()
    }
  }
}

async function ensureFolder({ root, file, folders }: Target): Promise<void> {
  const folder = dirname(file)
  if (folders.has(folder)) return
  const first = await mkdir(folder, { recursive: true })
  // Another process may have made a folder and not yet synced its parent, so the whole chain is synced once.
  const top = first === undefined || first.length > root.length ? root : dirname(first)
  for (let at = folder; at.length >= top.length; at = dirname(at)) {
    await syncPath(at)
    if (at === dirname(at)) break
  }
  folders.add(folder)
}
