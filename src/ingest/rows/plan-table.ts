import { unstatedColumns } from '../../contract/privacy/private-bounds.ts'
import type { ColumnBatch, ColumnField } from '../../domain/column-batch.ts'
import { landingFields, type Contract } from '../../domain/contract.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { Happening } from '../../domain/events.ts'
import type { CommitOutcome } from '../../domain/outcome.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import type { Snapshot } from '../../lake/snapshot.ts'
import type { World } from '../../ports/world.ts'
import { RUN_DATE, SYSTEM_FIELDS } from './system-columns.ts'
import { planFields } from './table-fields.ts'
import { widenTable } from './widen-table.ts'

export interface TableRequest {
  readonly world: Pick<World, 'settings' | 'clock' | 'lake' | 'engine' | 'stagingFolder'>
  readonly table: BronzeTableSettings
  readonly contract: Contract
  /** The table as it stood when the rows were read; null where there is none yet. */
  readonly snapshot: Snapshot | null
  readonly emit: (happening: Happening) => void
}

/** The columns that the table has once rows of `wanted` may land; `widened` where a commit of its own made them so. */
export type TablePlan =
  | {
      readonly kind: 'same' | 'add' | 'widened'
      readonly fields: readonly ColumnField[]
      readonly snapshot: Snapshot | null
    }
  | { readonly kind: 'conflicted'; readonly outcome: CommitOutcome }

/** Makes room for rows of other columns: new ones come with the rows' commit, wider types by a rewrite before it. */
export async function planTable(request: TableRequest, wanted: readonly ColumnField[]): Promise<TablePlan> {
  const { snapshot, table, world, contract, emit } = request
  if (snapshot === null) return { kind: 'same', fields: wanted, snapshot }
  const plan = planFields(snapshot.metadata.fields, wanted)
  switch (plan.kind) {
    case 'same':
    case 'add':
      return { kind: plan.kind, fields: plan.fields, snapshot }
    case 'widen': {
      const widened = await widenTable({
        world,
        table,
        snapshot,
        fields: plan.fields,
        widened: plan.widened,
        unstated: unstatedColumns(contract, plan.fields),
        emit,
      })
      if (widened.kind === 'conflicted') return { kind: 'conflicted', outcome: widened.outcome }
      return { kind: 'widened', fields: widened.snapshot.metadata.fields, snapshot: widened.snapshot }
    }
    case 'conflict': {
      const asked = `contract ${contract.subject}@${contract.version} asks for ${plan.wanted.kind}`
      throw new SluiceError(
        'TABLE_TYPE_CONFLICT',
        `column ${plan.column} of bronze.${table.table} is ${plan.table.kind} and ${asked}`,
        {
          where: { table: `bronze.${table.table}`, key: plan.column },
        },
      )
    }
  }
}

/** The columns of bronze rows: the contract's, those that mode evolve brought (each batch may have others), ours. */
export function bronzeFields(contract: Contract, batches: readonly Pick<ColumnBatch, 'fields'>[]): ColumnField[] {
  const system = [...Object.values(SYSTEM_FIELDS), RUN_DATE]
  const ours = new Set(system.map((field) => field.name))
  const fields = new Map<string, ColumnField>()
  const take = (field: ColumnField): void => {
    if (!ours.has(field.name) && !fields.has(field.name)) fields.set(field.name, { ...field, nullable: true })
  }
  for (const batch of batches) batch.fields.forEach(take)
  if (batches.length === 0) landingFields(contract).forEach(take)
  return [...fields.values(), ...system]
}
