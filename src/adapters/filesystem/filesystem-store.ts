import { open, readFile, rename, rmdir, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

import type { PutOutcome } from '../../domain/outcome.ts'
import type { ObjectStat, ObjectStore, ObjectWriter } from '../../ports/object-store.ts'
import {
  adoptFile,
  createFile,
  discard,
  errorCode,
  openTemporary,
  replaceFile,
  storeError,
  syncPath,
} from './durable-file.ts'
import type { KnownFolders, Target } from './durable-file.ts'
import { checkStorePath, checkStorePrefix } from '../../domain/store-path.ts'
import { isAbsence, statFile, walkFolder, walkTemporary } from './walk-folder.ts'

const REMOVALS_AT_ONCE = 16

/** A folder of this machine as an object store. Folders come into being with the first file in them. */
export function openFilesystemStore(root: string): ObjectStore {
  const base = resolve(root)
  return new FilesystemStore(base, { base, folders: new Set() })
}

/** What the stores that `at` gives share with the one they come from. */
interface Shared {
  readonly base: string
  readonly folders: KnownFolders
}

class FilesystemStore implements ObjectStore {
  readonly uri: string
  readonly #root: string
  readonly #shared: Shared

  constructor(root: string, shared: Shared) {
    this.uri = root
    this.#root = root
    this.#shared = shared
  }

  at(folder: string): ObjectStore {
    return new FilesystemStore(join(this.#root, checkStorePath(folder.replace(/\/$/, ''))), this.#shared)
  }

  async read(path: string): Promise<Uint8Array | null> {
    return this.#reading(path, (file) => readFile(file))
  }

  async readRange(path: string, start: number, end: number): Promise<Uint8Array | null> {
    return this.#reading(path, async (file) => {
      const handle = await open(file, 'r')
      try {
        return await readSpan(handle, start, end)
      } finally {
        await handle.close()
      }
    })
  }

  async stat(path: string): Promise<ObjectStat | null> {
    const found = await this.#reading(path, statFile)
    return found === null ? null : { path, ...found }
  }

  async *list(prefix: string, after = ''): AsyncIterable<ObjectStat> {
    checkStorePrefix(prefix)
    try {
      yield* walkFolder({ root: this.#root, prefix, after })
    } catch (error) {
      throw storeError(error, 'Listing', join(this.#root, prefix))
    }
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    await this.#writing(path, (target) => replaceFile(target, bytes))
  }

  async putIfAbsent(path: string, bytes: Uint8Array): Promise<PutOutcome> {
    return this.#writing(path, (target) => createFile(target, bytes))
  }

  async putFile(path: string, localFile: string): Promise<void> {
    await this.#writing(path, (target) => adoptFile(target, localFile))
  }

  async openWrite(path: string): Promise<ObjectWriter> {
    return this.#writing(path, async (target) => {
      const { handle, temporary } = await openTemporary(target)
      return new FileWriter(target, handle, temporary)
    })
  }

  async localFile(path: string): Promise<string | null> {
    return (await this.stat(path)) === null ? null : join(this.#root, path)
  }

  async delete(paths: readonly string[]): Promise<void> {
    for (let at = 0; at < paths.length; at += REMOVALS_AT_ONCE) {
      await Promise.all(paths.slice(at, at + REMOVALS_AT_ONCE).map((path) => this.#reading(path, unlink)))
    }
    await this.#dropEmpty(new Set(paths.map((path) => dirname(path))))
  }

  /** Folders come with their first file and go with their last; one that somebody fills meanwhile stays. */
  async #dropEmpty(folders: ReadonlySet<string>): Promise<void> {
    // The deepest first, so that a folder of empty folders goes too.
    const chain = new Set([...folders].flatMap(withParents))
    for (const folder of [...chain].sort((a, b) => b.length - a.length)) {
      await rmdir(join(this.#root, folder)).catch(() => undefined)
    }
  }

  async sweepTemporary(prefix: string, beforeMs: number): Promise<number> {
    checkStorePrefix(prefix)
    let swept = 0
    try {
      for await (const { path } of walkTemporary({ root: this.#root, prefix, after: '' }, beforeMs)) {
        await discard(join(this.#root, path))
        swept += 1
      }
    } catch (error) {
      throw storeError(error, 'Sweeping', join(this.#root, prefix))
    }
    return swept
  }

  async #reading<T>(path: string, act: (file: string) => Promise<T>): Promise<T | null> {
    const file = join(this.#root, checkStorePath(path))
    try {
      return await act(file)
    } catch (error) {
      // A folder is no object.
      if (isAbsence(error) || errorCode(error) === 'EISDIR') return null
      throw storeError(error, 'Access to', file)
    }
  }

  async #writing<T>(path: string, act: (target: Target) => Promise<T>): Promise<T> {
    const file = join(this.#root, checkStorePath(path))
    try {
      return await act({ root: this.#shared.base, file, folders: this.#shared.folders })
    } catch (error) {
      throw storeError(error, 'Writing', file)
    }
  }
}

class FileWriter implements ObjectWriter {
  readonly #target: Target
  readonly #handle: FileHandle
  readonly #temporary: string
  #open = true

  constructor(target: Target, handle: FileHandle, temporary: string) {
    this.#target = target
    this.#handle = handle
    this.#temporary = temporary
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      await this.#handle.writeFile(bytes)
    } catch (error) {
      throw storeError(error, 'Writing', this.#target.file)
    }
  }

  async finish(): Promise<void> {
    try {
      await this.#handle.sync()
      await this.#close()
      await rename(this.#temporary, this.#target.file)
      await syncPath(dirname(this.#target.file))
    } catch (error) {
      await this.abort()
      throw storeError(error, 'Writing', this.#target.file)
    }
  }

  /** Leaves nothing behind; harmless after `finish`. */
  async abort(): Promise<void> {
    await this.#close()
    await discard(this.#temporary)
  }

  async #close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.#handle.close()
  }
}

async function readSpan(handle: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const { size } = await handle.stat()
  const length = Math.max(0, Math.min(end, size) - start)
  const bytes = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, start + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled === length ? bytes : bytes.subarray(0, filled)
}

/** `a/b` → `a/b`, `a`; the root itself is none. */
function withParents(folder: string): string[] {
  const parts = folder === '.' ? [] : folder.split('/')
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'))
}
