import { createHash } from 'node:crypto'
import type { ObjectStore } from '../../ports/object-store.ts'
import { LAST_CHECKPOINT, readCheckpointHint } from '../log/log-file.ts'
import { isObject, writeLogJson } from '../log/log-json.ts'
import type { LogJson, LogObject } from '../log/log-json.ts'

export interface CheckpointFacts {
  readonly version: number
  /** Actions, all parts together. */
  readonly actions: number
  readonly parts: number
  readonly bytes: number
  readonly files: number
}

/** Names a checkpoint as the one to begin with, unless a newer one is named (PROTOCOL, "Last Checkpoint File"). */
export async function nameCheckpoint(store: ObjectStore, facts: CheckpointFacts): Promise<void> {
  if (((await readCheckpointHint(store)) ?? -1) > facts.version) return
  const { version, actions, parts, bytes, files } = facts
  const hint = {
    version,
    size: actions,
    ...(parts === 1 ? {} : { parts }),
    sizeInBytes: bytes,
    numOfAddFiles: files,
  }
  await store.put(LAST_CHECKPOINT, Buffer.from(writeLogJson({ ...hint, checksum: jsonChecksum(hint) })))
}

/**
 * PROTOCOL, "JSON checksum": MD5 over the leaves in the order of their paths, `"b"+"x"=10` with commas between; names
 * and texts percent-encoded; the top-level key `checksum` left out.
 */
export function jsonChecksum(value: LogObject): string {
  const { checksum: _, ...rest } = value
  const leaves = canonicalLeaves(rest, '').sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const text = leaves.map(([path, leaf]) => `${path}=${leaf}`).join(',')
  return createHash('md5').update(text).digest('hex')
}

function canonicalLeaves(value: LogJson | undefined, path: string): [path: string, leaf: string][] {
  const below = (name: string): string => (path === '' ? name : `${path}+${name}`)
  if (Array.isArray(value)) {
    return (value as readonly LogJson[]).flatMap((item, i) => canonicalLeaves(item, below(String(i))))
  }
  if (isObject(value)) return Object.entries(value).flatMap(([key, item]) => canonicalLeaves(item, below(encoded(key))))
  return [[path, typeof value === 'string' ? encoded(value) : writeLogJson(value ?? null)]]
}

/** RFC 3986: all but the unreserved. */
function encoded(text: string): string {
  const rest = /[!'()*]/g
  return `"${encodeURIComponent(text).replaceAll(rest, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)}"`
}
