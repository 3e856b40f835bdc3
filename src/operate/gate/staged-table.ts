import type { TableName } from '../../domain/identifier.ts'
import { formatTableName } from '../../domain/identifier.ts'
import { engineInput } from '../../lake/engine-input.ts'
import { openSnapshot } from '../../lake/snapshot.ts'
import type { EngineInput } from '../../ports/model-engine.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { SluiceError } from '../../domain/errors.ts'
import { tableStore } from '../../transform/model-inputs.ts'
import { localFiles } from './keep-staged.ts'
import { readManifest } from './staged-manifest.ts'

export interface StagedTableRequest {
  readonly lake: ObjectStore
  readonly table: TableName
  readonly nowMs: number
  /** The engine's view. */
  readonly name: string
  readonly schema?: string
}

/** The table as it would be if what is staged were committed; null where nothing is. */
export async function openStagedTable(request: StagedTableRequest): Promise<EngineInput | null> {
  const { lake, table, nowMs, name, schema } = request
  const model = formatTableName(table)
  const manifest = await readManifest(lake, model, nowMs)
  if (manifest === null) return null
  const store = tableStore(lake, table)
  const { target } = manifest
  const snapshot = target === null ? null : await openSnapshot(store, { version: target.version })
  const files = await localFiles(lake, manifest)
  if (files === null || (target !== null && snapshot?.metadata.id !== target.table_id)) {
    throw new SluiceError('GATE_STALE', `the staged result of ${model} is out of date: files of it are gone`, {
      where: { model },
    })
  }
  const gone = new Set(manifest.removes)
  const kept = [...(snapshot?.files.values() ?? [])].filter(({ path }) => !gone.has(path))
  const base = snapshot === null ? null : await engineInput({ name, store, snapshot, files: kept })
  return {
    name,
    ...(schema === undefined ? {} : { schema }),
    fields: manifest.fields,
    partitionColumns: manifest.partition_columns,
    files: [
      ...(base?.files ?? []),
      ...files.map(({ localFile, partitionValues }, at) => ({ path: `staged/${at}`, localFile, partitionValues })),
    ],
  }
}
