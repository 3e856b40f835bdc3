import { hash } from 'node:crypto'
import type { Expectation } from '../../../domain/expectation.ts'
import { parseTableName } from '../../../domain/identifier.ts'
import { openSnapshot } from '../../../lake/snapshot.ts'
import type { World } from '../../../ports/world.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'
import type { StillBlocked } from '../../../transform/run-model.ts'
import { tableStore, type OpenInput } from '../../../transform/model-inputs.ts'
import { suiteText } from '../bronze/judge-rows.ts'
import { expectationsOf, type Suites } from '../expectations-of.ts'
import { readManifest, type JudgedWith, type StagedManifest } from '../staged-manifest.ts'

/** What beside its rows and inputs decides whether a result keeps its suite. */
export async function judgedWith(
  lake: ObjectStore,
  expectations: readonly Expectation[],
  inputs: readonly Pick<OpenInput, 'name'>[],
): Promise<JudgedWith> {
  const names = new Set(expectations.flatMap(({ kwargs: { parent } }) => (typeof parent === 'string' ? [parent] : [])))
  for (const { name } of inputs) names.delete(name)
  const parents = await Promise.all(
    [...names].toSorted().map(async (table) => {
      const snapshot = await openSnapshot(tableStore(lake, parseTableName(table)))
      return { table, table_id: snapshot?.metadata.id ?? null, version: snapshot?.version ?? null }
    }),
  )
  return { suite: hash('sha256', suiteText(expectations)), parents }
}

/**
 * Tells a result that was blocked and waits, where the same would be staged and judged again: model, target, inputs,
 * suite and the tables that it asks about stand as they did. Time alone never lets through what is blocked: rows only
 * grow older.
 */
export function openStillBlocked({ lake, clock }: Pick<World, 'lake' | 'clock'>, suites: Suites): StillBlocked {
  return async (node, target, inputs) => {
    const manifest = await readManifest(lake, node.name, clock.nowMs())
    if (manifest?.outcome !== 'blocked' || manifest.judged_with === undefined) return null
    if (manifest.definition !== node.definition.toString()) return null
    if (!sameTable(manifest.target, target) || !sameInputs(manifest, inputs)) return null
    const expectations = expectationsOf(node, suites)
    const now = await judgedWith(lake, expectations, inputs)
    if (JSON.stringify(now) !== JSON.stringify(manifest.judged_with)) return null
    const reason = `${manifest.gate_reason}; nothing has changed since it was staged at ${manifest.staged_at}`
    return { outcome: 'blocked', expectations: expectations.length, reason }
  }
}

function sameInputs(manifest: StagedManifest, inputs: readonly OpenInput[]): boolean {
  return (
    manifest.inputs.length === inputs.length &&
    inputs.every(({ name, snapshot }) => {
      const was = manifest.inputs.find(({ table }) => table === name)
      return was !== undefined && sameTable(was, snapshot)
    })
  )
}

function sameTable(
  was: { readonly table_id: string; readonly version: number } | null,
  now: { readonly metadata: { readonly id: string }; readonly version: number } | null,
): boolean {
  return was === null || now === null ? was === now : was.table_id === now.metadata.id && was.version === now.version
}
