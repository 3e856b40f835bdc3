import { formatTableName } from '../../domain/identifier.ts'
import type { TableName } from '../../domain/identifier.ts'
import type { EngineStep } from '../../ports/model-engine.ts'
import type { ModelNode } from '../graph.ts'
import { memberColumns } from '../rows/lookups.ts'
import { decidingColumns } from '../rows/row-lookups.ts'

/**
 * Which looked-up tables are read once and held while a model is worked out, and which are read from their files at
 * every place. How the engine joins them then, and on which side it builds its hash table, is its own choice; what is
 * held counts against its memory limit and is spilled past it. Pure.
 */

export interface HeldFacts {
  /** `layer.table` → the bytes of its files. */
  readonly bytes: ReadonlyMap<string, number>
  readonly thresholdBytes: number
}

export function heldTables({ model, lookups }: ModelNode, { bytes, thresholdBytes }: HeldFacts): ReadonlySet<string> {
  const places = new Map<string, { reads: number; hints: boolean[] }>()
  const add = (table: TableName, reads: number, hint: boolean | undefined): void => {
    const name = formatTableName(table)
    const place = places.get(name) ?? { reads: 0, hints: [] }
    places.set(name, { reads: place.reads + reads, hints: hint === undefined ? place.hints : [...place.hints, hint] })
  }
  for (const { dimension, broadcast } of lookups) add(dimension, 1, broadcast)
  // a history by time is gone through twice: for the rows that ask, and for what they find
  for (const { table, at, broadcast } of model.rowLookups) add(table, at === null ? 1 : 2, broadcast)
  const held = new Set<string>()
  for (const [name, { reads, hints }] of places) {
    const isSmall = (bytes.get(name) ?? Number.POSITIVE_INFINITY) <= thresholdBytes
    // of two lookups of one table that say different things, the one that holds it wins
    if (hints.length > 0 ? hints.includes(true) : reads > 1 && isSmall) held.add(name)
  }
  return held
}

export function heldView({ layer, table }: TableName): string {
  return `sluice_held_${layer}_${table}`
}

/** The columns that lookups need of each held table, as `view` shows it. */
export function heldSteps(
  { model, lookups, inputs }: ModelNode,
  held: ReadonlySet<string>,
  view: (table: TableName) => string,
): readonly EngineStep[] {
  return inputs.flatMap((input) => {
    const name = formatTableName(input)
    if (!held.has(name)) return []
    const isInput = (table: TableName): boolean => formatTableName(table) === name
    const columns = new Set([
      ...lookups.filter(({ dimension }) => isInput(dimension)).flatMap(memberColumns),
      ...model.rowLookups.filter(({ table }) => isInput(table)).flatMap(decidingColumns),
    ])
    return [{ name: heldView(input), sql: `select ${[...columns].join(', ')} from ${view(input)} h` }]
  })
}
