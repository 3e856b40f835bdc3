import type { ObjectStat, ObjectStore } from '../../ports/object-store.ts'

/** Names in `_delta_log` (PROTOCOL, "Delta Log Entries", "Checkpoints"). */
export const LOG_FOLDER = '_delta_log/'
export const LAST_CHECKPOINT = `${LOG_FOLDER}_last_checkpoint`
export const SIDECARS = `${LOG_FOLDER}_sidecars/`

const ENTRY = /^(\d{20})\.json$/
const CLASSIC = /^(\d{20})\.checkpoint\.parquet$/
const PART = /^(\d{20})\.checkpoint\.(\d{10})\.(\d{10})\.parquet$/
const NAMED = /^(\d{20})\.checkpoint\.([0-9a-f-]{36})\.(json|parquet)$/
const CHECKSUM = /^(\d{20})\.crc$/
const COMPACTED = /^(\d{20})\.\d{20}\.compacted\.json$/

export function entryPath(version: number): string {
  return `${LOG_FOLDER}${padded(version)}.json`
}

export function checkpointPath(version: number): string {
  return `${LOG_FOLDER}${padded(version)}.checkpoint.parquet`
}

/** The part of a checkpoint that is written in several (PROTOCOL, "Multi-part checkpoint"); parts count from 1. */
export function partPath(version: number, part: number, parts: number): string {
  return `${LOG_FOLDER}${padded(version)}.checkpoint.${String(part).padStart(10, '0')}.${String(parts).padStart(10, '0')}.parquet`
}

/** The version that a file of the log belongs to, or begins with; null for other files. */
export function versionOfLogFile(name: string): number | null {
  for (const form of [ENTRY, CLASSIC, PART, NAMED, CHECKSUM, COMPACTED]) {
    const match = form.exec(name)
    if (match !== null) return Number(match[1])
  }
  return null
}

export interface CheckpointFiles {
  readonly version: number
  /** All parts of one checkpoint. */
  readonly paths: readonly string[]
  readonly modifiedMs: number
}

export interface LogListing {
  /** Version → time of the entry's file. */
  readonly entries: ReadonlyMap<number, number>
  /** Whole ones only, ascending by version; of one version the classic one comes last. */
  readonly checkpoints: readonly CheckpointFiles[]
}

/**
 * What the log holds from a version on, up to the first entry for which `until` holds. Temporary, checksum and compacted
 * files are passed over.
 */
export async function listLog(
  store: ObjectStore,
  fromVersion: number,
  until?: (entry: ObjectStat) => boolean,
): Promise<LogListing> {
  const entries = new Map<number, number>()
  const checkpoints: CheckpointFiles[] = []
  const parts = new Map<string, { version: number; of: number; paths: string[]; modifiedMs: number }>()
  // Just before every name that begins with the version.
  const after = fromVersion === 0 ? undefined : `${LOG_FOLDER}${padded(fromVersion)}`
  for await (const stat of store.list(LOG_FOLDER, after)) {
    const { path, modifiedMs } = stat
    const name = path.slice(LOG_FOLDER.length)
    if (name > ':') break
    if (until !== undefined && ENTRY.test(name) && until(stat)) break
    const match = ENTRY.exec(name) ?? CLASSIC.exec(name) ?? NAMED.exec(name)
    if (match !== null) {
      const version = Number(match[1])
      if (ENTRY.test(name)) entries.set(version, modifiedMs)
      else checkpoints.push({ version, paths: [path], modifiedMs })
      continue
    }
    const part = PART.exec(name)
    if (part === null) continue
    const key = `${part[1]}/${part[3]}`
    const found = parts.get(key) ?? { version: Number(part[1]), of: Number(part[3]), paths: [], modifiedMs }
    found.paths.push(path)
    parts.set(key, found)
  }
  for (const { of, ...found } of parts.values()) if (found.paths.length === of) checkpoints.push(found)
  return { entries, checkpoints: checkpoints.sort((a, b) => a.version - b.version || rank(a) - rank(b)) }
}

/** Of the checkpoints of one version that are in several parts, whole or not: how many parts each has. */
export async function listParts(store: ObjectStore, version: number): Promise<ReadonlySet<number>> {
  const counts = new Set<number>()
  for await (const { path } of store.list(`${LOG_FOLDER}${padded(version)}.checkpoint.`)) {
    const match = PART.exec(path.slice(LOG_FOLDER.length))
    if (match !== null) counts.add(Number(match[3]))
  }
  return counts
}

/** The version that `_last_checkpoint` names, or null. Only a hint: it may be absent, behind or damaged. */
export async function readCheckpointHint(store: ObjectStore): Promise<number | null> {
  const bytes = await store.read(LAST_CHECKPOINT)
  if (bytes === null) return null
  try {
    const hint: unknown = JSON.parse(new TextDecoder().decode(bytes))
    const version = typeof hint === 'object' && hint !== null && 'version' in hint ? hint.version : null
    return typeof version === 'number' && Number.isSafeInteger(version) && version >= 0 ? version : null
  } catch {
    return null
  }
}

function rank(checkpoint: CheckpointFiles): number {
  return checkpoint.paths.length === 1 && CLASSIC.test(checkpoint.paths[0]!.slice(LOG_FOLDER.length)) ? 1 : 0
}

function padded(version: number): string {
  return String(version).padStart(20, '0')
}
