import type { ColumnField } from '../../domain/column-batch.ts'
import type { ColumnStats } from '../../domain/column-stats.ts'
import type { GateAssertion, GateOutcome } from '../../domain/gate-result.ts'
import { formatTableName, isLayer, parseTableName } from '../../domain/identifier.ts'
import type { ObjectStore } from '../../ports/object-store.ts'

/**
 * Results that wait for a person, under `_staged/<layer.table>/`: data files and `manifest.json`, which is written last
 * and names all that the result depends on. One a table; the newest stands. Stored, so its form is only ever extended.
 */
export interface StagedManifest {
  readonly form: 1
  /** `layer.table` */
  readonly model: string
  readonly run_id: string
  /** ISO 8601. */
  readonly staged_at: string
  readonly expires_at: string
  readonly mode: 'rebuild' | 'increment'
  readonly reason: string
  /** Hash of the model that made it. */
  readonly definition: string
  readonly target: { readonly table_id: string; readonly version: number } | null
  readonly inputs: readonly { readonly table: string; readonly table_id: string; readonly version: number }[]
  readonly fields: readonly ColumnField[]
  readonly partition_columns: readonly string[]
  readonly files: readonly ManifestFile[]
  readonly rows: number
  /** Files of the target that it takes the place of. */
  readonly removes: readonly string[]
  readonly needs_unknown: readonly boolean[]
  readonly outcome: GateOutcome
  readonly gate_reason: string
  readonly assertions: readonly GateAssertion[]
  /** What it was judged by; absent in manifests of before. */
  readonly judged_with?: JudgedWith
}

export interface JudgedWith {
  /** Hash of the suite. */
  readonly suite: string
  /** Tables beside the inputs that the suite asks about; null: there was none. */
  readonly parents: readonly {
    readonly table: string
    readonly table_id: string | null
    readonly version: number | null
  }[]
}

export interface ManifestFile {
  /** Below the table's folder of `_staged`. */
  readonly path: string
  readonly partition_values: Readonly<Record<string, string | null>>
  readonly bytes: number
  readonly rows: number
  readonly stats: readonly ColumnStats[]
}

export const STAGED_MS = 24 * 60 * 60 * 1000
const FOLDER = '_staged'
const MANIFEST = 'manifest.json'

export function stagedStore(lake: ObjectStore, model: string): ObjectStore {
  return lake.at(`${FOLDER}/${formatTableName(parseTableName(model))}`)
}

/** Null where nothing waits, or what waited has expired, or the manifest cannot be read: then it counts as none. */
export async function readManifest(lake: ObjectStore, model: string, nowMs: number): Promise<StagedManifest | null> {
  const bytes = await stagedStore(lake, model).read(MANIFEST)
  const manifest = bytes === null ? null : parseManifest(Buffer.from(bytes).toString('utf8'))
  return manifest === null || manifest.model !== model || Date.parse(manifest.expires_at) <= nowMs ? null : manifest
}

/** All that wait, by name. */
export async function listManifests(lake: ObjectStore, nowMs: number): Promise<readonly StagedManifest[]> {
  const found: StagedManifest[] = []
  for (const model of await stagedModels(lake)) {
    const manifest = await readManifest(lake, model, nowMs)
    if (manifest !== null) found.push(manifest)
  }
  return found
}

/** From here on it counts; older files of the table go. */
export async function writeManifest(lake: ObjectStore, manifest: StagedManifest): Promise<void> {
  const store = stagedStore(lake, manifest.model)
  await store.put(MANIFEST, Buffer.from(`${JSON.stringify(manifest)}\n`, 'utf8'))
  const current = new Set([MANIFEST, ...manifest.files.map(({ path }) => path)])
  await deleteWhere(store, (path) => !current.has(path))
}

/** The manifest goes first: without it files are only files. */
export async function dropStaged(lake: ObjectStore, model: string): Promise<void> {
  const store = stagedStore(lake, model)
  await store.delete([MANIFEST])
  await deleteWhere(store, () => true)
}

/** Removes what expired, and files that no manifest names once nobody can still be writing them. */
export async function sweepStaged(lake: ObjectStore, nowMs: number): Promise<void> {
  for (const model of await stagedModels(lake)) {
    const manifest = await readManifest(lake, model, nowMs)
    const store = stagedStore(lake, model)
    if (manifest === null && (await isExpired(store, nowMs))) await store.delete([MANIFEST])
    const current = new Set([MANIFEST, ...(manifest?.files.map(({ path }) => path) ?? [])])
    await deleteWhere(store, (path, modifiedMs) => !current.has(path) && modifiedMs < nowMs - STAGED_MS)
  }
}

async function isExpired(store: ObjectStore, nowMs: number): Promise<boolean> {
  const stat = await store.stat(MANIFEST)
  return stat !== null && stat.modifiedMs < nowMs - STAGED_MS
}

async function deleteWhere(store: ObjectStore, goes: (path: string, modifiedMs: number) => boolean): Promise<void> {
  const paths: string[] = []
  for await (const { path, modifiedMs } of store.list('')) if (goes(path, modifiedMs)) paths.push(path)
  await store.delete(paths)
}

async function stagedModels(lake: ObjectStore): Promise<readonly string[]> {
  const models = new Set<string>()
  for await (const { path } of lake.list(`${FOLDER}/`)) {
    const model = path.split('/')[1] ?? ''
    if (isLayer(model.split('.')[0])) models.add(model)
  }
  return [...models]
}

function parseManifest(text: string): StagedManifest | null {
  try {
    const manifest = JSON.parse(text) as StagedManifest
    const whole =
      manifest.form === 1 &&
      Array.isArray(manifest.files) &&
      Array.isArray(manifest.inputs) &&
      Array.isArray(manifest.fields) &&
      Array.isArray(manifest.removes)
    return whole ? manifest : null
  } catch {
    return null
  }
}
