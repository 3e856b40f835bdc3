import { SluiceError } from '../../domain/errors.ts'
import type { Emit } from '../../domain/events.ts'
import { addStagedFile, type NewFile } from '../../lake/data-file.ts'
import { engineFiles } from '../../lake/engine-input.ts'
import type { EngineRow, RewrittenPart } from '../../ports/model-engine.ts'
import type { World } from '../../ports/world.ts'
import type { NamedTable } from '../look/resolve-table.ts'
import { CLUSTERED_TAG, clusteredTag, evenFiles, type Rewrite } from './plan-rewrites.ts'

export type OptimizeWorld = Pick<
  World,
  'lake' | 'clock' | 'engine' | 'settings' | 'stagingFolder' | 'events' | 'runId' | 'traceId' | 'signal'
>

/** A rewrite whose new files are durable, and in no version of the table. */
export interface StagedRewrite {
  readonly rewrite: Rewrite
  readonly adds: readonly NewFile[]
  /** Some rows' values of the columns that it is clustered by. */
  readonly sample: readonly EngineRow[]
}

export interface StageRequest {
  readonly world: OptimizeWorld
  readonly table: NamedTable
  readonly rewrites: readonly Rewrite[]
  /** Columns to cluster by; empty for bin-packing alone. */
  readonly clusterBy: readonly string[]
  readonly emit: Emit
}

/**
 * Writes the files that shall stand for others. Throws FILE_CORRUPT where they hold another number of rows than the log
 * states: then nothing of it may be committed.
 */
export async function stageRewrites(request: StageRequest): Promise<StagedRewrite[]> {
  const { world, table, rewrites, clusterBy, emit } = request
  const { fields, partitionColumns } = table.snapshot.metadata
  const target = world.settings.performance.partitionSizeBytes
  const engine = await world.engine()
  const inputs = await Promise.all(rewrites.map(({ files }) => engineFiles(table.store, files)))
  const parts = await engine.rewrite({
    parts: rewrites.map((rewrite, i) => ({
      files: inputs[i]!,
      even: clusterBy.length === 0 ? null : evenFiles(rewrite, target),
    })),
    fields: fields.filter(({ name }) => !partitionColumns.includes(name)),
    clusterBy,
    folder: await world.stagingFolder('optimize'),
  })
  const staged: StagedRewrite[] = []
  for (const [i, rewrite] of rewrites.entries()) {
    const part = parts[i]!
    checkRows(table, rewrite, part)
    const adds: NewFile[] = []
    for (const file of part.files) {
      const { partitionValues } = rewrite
      const newId = (): string => world.clock.newId()
      const add = await addStagedFile({
        store: table.store,
        staged: { ...file, partitionValues },
        fields,
        partitionColumns,
        newId,
      })
      adds.push(clusterBy.length === 0 ? add : { ...add, tags: { [CLUSTERED_TAG]: clusteredTag(clusterBy) } })
      emit({ type: 'data_file.written', table: table.text, path: add.path, rows: file.rows, bytes: add.bytes })
    }
    staged.push({ rewrite, adds, sample: part.sample })
  }
  return staged
}

function checkRows(table: NamedTable, { files }: Rewrite, part: RewrittenPart): void {
  const stated = files.reduce((sum, { rows }) => sum + (rows ?? Number.NaN), 0)
  const written = part.files.reduce((sum, { rows }) => sum + rows, 0)
  if (Number.isNaN(stated) || stated === written) return
  throw new SluiceError(
    'FILE_CORRUPT',
    `${files.length} files of ${table.text} hold ${written} rows, and the log states ${stated}; they stay as they are`,
    { where: { table: table.text, file: files[0]!.path } },
  )
}
