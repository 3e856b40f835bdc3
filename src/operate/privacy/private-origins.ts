import type { ContractField } from '../../domain/contract.ts'
import { plainName } from '../../domain/contract.ts'
import type { ColumnOrigin } from '../../domain/dataset.ts'
import type { ModelDefinition } from '../../domain/model.ts'
import { orderModels, type ModelNode } from '../../transform/graph.ts'
import { modelLineage } from '../../transform/rows/model-lineage.ts'
import { columnOrigins } from '../../transform/sql/column-origins.ts'

/** What is known of one table's columns. */
export interface KnownColumns {
  readonly names: readonly string[]
  /** By plain name. */
  readonly hidden: ReadonlyMap<string, ContractField>
}

/**
 * Which columns of models are made of private ones of bronze, whatever they are called, by `layer.table`: what the
 * models' SQL says, followed from table to table. A model whose lineage cannot be read adds nothing here. Pure.
 */
export function privateOrigins(
  models: readonly ModelDefinition[],
  bronze: ReadonlyMap<string, KnownColumns>,
): ReadonlyMap<string, KnownColumns> {
  const known = new Map(bronze)
  const keys = new Map(
    [...bronze.keys()].map((table): [string, readonly string[]] => [table.replace(/^bronze\./, ''), []]),
  )
  for (const node of orderModels({ models, bronze: keys })) known.set(node.name, columnsOf(node, known))
  return known
}

function columnsOf({ model, lookups }: ModelNode, known: ReadonlyMap<string, KnownColumns>): KnownColumns {
  const names = new Map([...known].map(([table, columns]): [string, readonly string[]] => [table, columns.names]))
  try {
    const own = columnNames(model, names)
    const { columns } = modelLineage({
      model,
      dimensionKeys: lookups.map((lookup) => lookup.surrogateKey),
      fields: own.map(asField),
      inputs: new Map([...names].map(([table, list]) => [table, list.map(asField)])),
    })
    const hidden = new Map<string, ContractField>()
    for (const [name, origins] of columns) {
      const field = hiddenBy(origins, known)
      if (field !== null) hidden.set(plainName(name), field)
    }
    // Our own columns repeat what orders the changes.
    const ours = [[model.sequenceBy, '_sequence'], ...model.tieBreak.map((name, i) => [name, `_tie_${i + 1}`])] as const
    for (const [name, copy] of ours) {
      const field = hidden.get(plainName(name ?? ''))
      if (field !== undefined) hidden.set(plainName(copy ?? ''), field)
    }
    return { names: own, hidden }
  } catch {
    return { names: [], hidden: new Map() }
  }
}

function columnNames(model: ModelDefinition, tables: ReadonlyMap<string, readonly string[]>): readonly string[] {
  if (model.kind === 'calendar') return []
  return [
    ...columnOrigins(model.sql, model.sqlFile, tables).columns.keys(),
    ...model.rowLookups.flatMap(({ take }) => take.map(({ as }) => as)),
    ...model.derive.map(({ name }) => name),
    ...model.lookups.map(({ as }) => as),
    ...(model.surrogateKey === null ? [] : [model.surrogateKey]),
  ]
}

/** The private field that a column repeats; one without a kind where it is worked out from any. */
function hiddenBy(origins: readonly ColumnOrigin[], known: ReadonlyMap<string, KnownColumns>): ContractField | null {
  for (const { table, column, how } of origins) {
    const field = known.get(table)?.hidden.get(plainName(column))
    if (field !== undefined) return how === 'identity' ? field : { ...field, pii: 'private' }
  }
  return null
}

function asField(name: string) {
  return { name, type: { kind: 'string' }, nullable: true } as const
}
