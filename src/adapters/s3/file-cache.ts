import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import PQueue from 'p-queue'
import { classifyError, SluiceError } from '../../domain/errors.ts'

/**
 * Local copies of immutable objects, for engines that read files. Any number of processes may share one folder.
 *
 * Guarantees: a copy is whole or absent (it is fetched under another name, synced, then renamed); one process fetches a
 * copy once, however many ask; a copy that was given out stays for `keepMs`. Beyond `maxBytes` those that were not
 * asked for longest go first.
 * Non-guarantee: what was asked for within `keepMs` stays even where it is more than `maxBytes`.
 */
export interface FileCache {
  /** A path, or null where `fetch` said that there is no such object. `fetch` writes the whole file. */
  file(name: string, fetch: (to: string) => Promise<boolean>): Promise<string | null>
  /** Takes a local file that was just stored under this name, where that costs nothing. */
  adopt(name: string, localFile: string): Promise<void>
  forget(name: string): Promise<void>
}

export interface FileCacheOptions {
  readonly folder: string
  readonly maxBytes: number
  readonly keepMs?: number
}

/** Longer than one question or one model over the files takes. */
const KEEP_MS = 60 * 60_000
const FETCHES_AT_ONCE = 8
/** Room is looked for again after this part of the bound has come in. */
const LOOK_AGAIN = 0.1
/** What is cleared is cleared to this part of the bound, so that not every copy looks for room. */
const CLEAR_TO = 0.9
const PARTIAL = '.part'

export function openFileCache({ folder, maxBytes, keepMs = KEEP_MS }: FileCacheOptions): FileCache {
  const fetches = new PQueue({ concurrency: FETCHES_AT_ONCE })
  const underWay = new Map<string, Promise<string | null>>()
  /** What came in since room was last looked for; at first all that others left is unknown. */
  let unseenBytes = maxBytes
  const placeOf = (name: string): string => {
    const hash = createHash('sha256').update(name).digest('hex')
    return join(folder, hash.slice(0, 2), `${hash}.parquet`)
  }

  async function makeRoom(bytes: number): Promise<void> {
    unseenBytes += bytes
    if (unseenBytes < maxBytes * LOOK_AGAIN) return
    unseenBytes = 0
    await clear(folder, maxBytes, keepMs)
  }

  async function fetchInto(place: string, fetch: (to: string) => Promise<boolean>): Promise<string | null> {
    const partial = `${place}.${randomUUID()}${PARTIAL}`
    try {
      await mkdir(dirname(place), { recursive: true })
      if (!(await fetch(partial))) return null
      const { size } = await stat(partial)
      await rename(partial, place)
      await makeRoom(size)
      return place
    } catch (error) {
      if (error instanceof SluiceError) throw error
      const { code, message } = classifyError(error)
      const known = code === 'DISK_FULL' ? code : 'STORE_UNAVAILABLE'
      throw new SluiceError(known, `copying an object to ${folder} failed: ${message}`, { cause: error })
    } finally {
      await rm(partial, { force: true })
    }
  }

  return {
    async file(name, fetch) {
      const place = placeOf(name)
      if (await touch(place)) return place
      const running = underWay.get(place)
      if (running !== undefined) return running
      const started = fetches
        .add(() => fetchInto(place, fetch))
        .finally(() => {
          underWay.delete(place)
        })
      underWay.set(place, started)
      return started
    },
    async adopt(name, localFile) {
      const place = placeOf(name)
      try {
        const { size } = await stat(localFile)
        await mkdir(dirname(place), { recursive: true })
        await rename(localFile, place)
        await touch(place)
        await makeRoom(size)
      } catch {
        // On another device, or gone: the object is fetched when it is asked for.
        await rm(place, { force: true })
      }
    },
    async forget(name) {
      await rm(placeOf(name), { force: true })
    },
  }
}

/** Whether the copy is there; it then counts as used now. */
async function touch(place: string): Promise<boolean> {
  try {
    const now = new Date()
    await utimes(place, now, now)
    return true
  } catch {
    return false
  }
}

interface Copy {
  readonly place: string
  readonly bytes: number
  readonly usedMs: number
}

async function clear(folder: string, maxBytes: number, keepMs: number): Promise<void> {
  const copies = (await listCopies(folder)).toSorted((a, b) => a.usedMs - b.usedMs)
  const oldestKeptMs = Date.now() - keepMs
  let held = copies.reduce((sum, { bytes }) => sum + bytes, 0)
  const bound = held > maxBytes ? maxBytes * CLEAR_TO : maxBytes
  for (const { place, bytes, usedMs } of copies) {
    if (usedMs > oldestKeptMs) return
    // A fetch that is under way is never cleared, however short copies are kept.
    const isPartial = place.endsWith(PARTIAL)
    if (isPartial ? usedMs > Date.now() - KEEP_MS : held <= bound) continue
    await removeUnlessUsed(place, oldestKeptMs)
    held -= bytes
  }
}

/** Another process may have asked for it since it was looked at: it then gets its name back. */
async function removeUnlessUsed(place: string, oldestKeptMs: number): Promise<void> {
  const aside = `${place}.${randomUUID()}${PARTIAL}`
  try {
    await rename(place, aside)
    const { mtimeMs } = await stat(aside)
    if (mtimeMs > oldestKeptMs) await rename(aside, place)
    else await rm(aside, { force: true })
  } catch {
    // Another process cleared it first.
  }
}

async function listCopies(folder: string): Promise<Copy[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const copies: Copy[] = []
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const place = join(entry.parentPath, entry.name)
    const found = await stat(place).catch(() => null)
    if (found !== null) copies.push({ place, bytes: found.size, usedMs: found.mtimeMs })
  }
  return copies
}
