import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

import type { ObjectStat } from '../../ports/object-store.ts'
import { errorCode } from './durable-file.ts'
import { isTemporaryName } from '../../domain/store-path.ts'

export interface Walk {
  readonly root: string
  readonly prefix: string
  /** Exclusive; '' for none. */
  readonly after: string
}

/**
 * Files below a root in byte order of their whole path. A folder sorts as its name with a slash, as object stores sort:
 * `a-b` before `a/x` before `a0`. Links to folders are not followed, so a walk always ends. A file that vanishes
 * during the walk is left out.
 */
export async function* walkFolder(walk: Walk): AsyncIterable<ObjectStat> {
  yield* walkBelow(walk, folderOf(walk.prefix), (name) => !isTemporaryName(name))
}

/** The files that are still being written, or that writers which died left so, and that are older than a time. */
export async function* walkTemporary(walk: Walk, beforeMs: number): AsyncIterable<ObjectStat> {
  for await (const found of walkBelow(walk, folderOf(walk.prefix), isTemporaryName)) {
    if (found.modifiedMs < beforeMs) yield found
  }
}

function folderOf(prefix: string): string {
  return prefix.slice(0, prefix.lastIndexOf('/') + 1)
}

async function* walkBelow(walk: Walk, below: string, wanted: (name: string) => boolean): AsyncIterable<ObjectStat> {
  for (const name of await sortedEntries(join(walk.root, below), wanted)) {
    const path = below + name
    if (path.endsWith('/')) {
      const inside = path.startsWith(walk.prefix) || walk.prefix.startsWith(path)
      const passed = byteOrder(path, walk.after) < 0 && !walk.after.startsWith(path)
      if (inside && !passed) yield* walkBelow(walk, path, wanted)
    } else if (path.startsWith(walk.prefix) && byteOrder(path, walk.after) > 0) {
      const found = await statFile(join(walk.root, path))
      if (found !== null) yield { path, ...found }
    }
  }
}

export async function statFile(file: string): Promise<{ bytes: number; modifiedMs: number } | null> {
  try {
    const found = await stat(file)
    return found.isFile() ? { bytes: found.size, modifiedMs: Math.floor(found.mtimeMs) } : null
  } catch (error) {
    if (isAbsence(error)) return null
    throw error
  }
}

export function isAbsence(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG'
}

export function byteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

async function sortedEntries(folder: string, wanted: (name: string) => boolean): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory() || wanted(entry.name))
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .sort(byteOrder)
  } catch (error) {
    if (isAbsence(error)) return []
    throw error
  }
}
