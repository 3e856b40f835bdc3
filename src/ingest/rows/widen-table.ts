import type { ColumnField } from '../../domain/column-batch.ts'
import type { Happening } from '../../domain/events.ts'
import type { CommitOutcome } from '../../domain/outcome.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import { SluiceError } from '../../domain/errors.ts'
import { commitTransaction } from '../../lake/commit.ts'
import { addStagedFile, type NewFile } from '../../lake/data-file.ts'
import { nameFact } from '../../lake/name-fact.ts'
import { openSnapshot, type Snapshot } from '../../lake/snapshot.ts'
import type { World } from '../../ports/world.ts'
import { engineInput } from '../../lake/engine-input.ts'

export interface WidenRequest {
  readonly world: Pick<World, 'settings' | 'clock' | 'lake' | 'engine' | 'stagingFolder'>
  readonly table: BronzeTableSettings
  readonly snapshot: Snapshot
  readonly fields: readonly ColumnField[]
  readonly widened: readonly string[]
  /** Columns whose bounds the log must not state. */
  readonly unstated: ReadonlySet<string>
  readonly emit: (happening: Happening) => void
}

export type WidenOutcome =
  | { readonly kind: 'widened'; readonly snapshot: Snapshot }
  | { readonly kind: 'conflicted'; readonly outcome: CommitOutcome }

/**
 * Rewrites a table so that its columns hold wider types: Delta readers at protocol 1 expect every file to have the
 * table's types, so the files change with the schema, in one commit of its own. Positions do not move. Rows are equal
 * before and after, yet dataChange stays true: a model that reads the table must see the new types.
 */
export async function widenTable(request: WidenRequest): Promise<WidenOutcome> {
  const { world, table, snapshot, fields, emit } = request
  const store = world.lake.at(`bronze/${table.table}`)
  const engine = await world.engine()
  const input = await engineInput({ name: 'narrow', store, snapshot, fields })
  const staged = await engine.stage({
    inputs: [input],
    steps: [],
    probes: [],
    output: {
      sql: 'select * from narrow',
      fields,
      partitionBy: snapshot.metadata.partitionColumns,
      folder: await world.stagingFolder(`widen-${table.table}`),
      targetFileBytes: world.settings.performance.partitionSizeBytes,
    },
  })
  const adds: NewFile[] = []
  for (const file of staged.files) {
    adds.push(
      await addStagedFile({
        store,
        staged: file,
        fields,
        partitionColumns: snapshot.metadata.partitionColumns,
        unstated: request.unstated,
        newId: () => world.clock.newId(),
      }),
    )
  }
  const outcome = await commitTransaction({
    store,
    snapshot,
    metadata: { fields },
    adds,
    removes: [...snapshot.files.values()],
    txns: new Map(),
    expectTxns: new Map(),
    reads: 'table',
    dataChange: true,
    operation: { name: 'WIDEN COLUMNS', parameters: { columns: JSON.stringify(request.widened) }, metrics: {} },
    clock: world.clock,
    onEvent: (fact) => emit(nameFact(fact, `bronze.${table.table}`)),
  })
  if (outcome.kind === 'conflicted') return { kind: 'conflicted', outcome }
  const widened = await openSnapshot(store)
  if (widened === null)
    throw new SluiceError('TABLE_MISSING', `bronze.${table.table} vanished after a commit`, {
      where: { table: `bronze.${table.table}` },
    })
  return { kind: 'widened', snapshot: widened }
}
