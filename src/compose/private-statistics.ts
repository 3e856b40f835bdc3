import { contractInForce } from '../ingest/lane/contract-in-force.ts'
import { parseContract } from '../contract/parse-contract.ts'
import { privateBounds, type PrivateBounds } from '../contract/privacy/private-bounds.ts'
import type { ColumnField } from '../domain/column-batch.ts'
import type { Contract } from '../domain/contract.ts'
import type { ModelEngine, StagedFile } from '../ports/model-engine.ts'
import type { World } from '../ports/world.ts'

type ContractWorld = Pick<World, 'registry' | 'settings'>

/**
 * An engine that states no bounds of private columns, whoever asks it to write files: so none come into a table's log,
 * nor into what is kept of a staged result.
 */
export function withoutPrivateBounds(engine: ModelEngine, world: ContractWorld): ModelEngine {
  return {
    async stage(plan) {
      const result = await engine.stage(plan)
      if (result.files.length === 0) return result
      const hidden = await hiddenColumns(world, result.fields)
      return { ...result, files: result.files.map((file) => withoutBounds(file, hidden)) }
    },
    ask: (plan) => engine.ask(plan),
    async rewrite(plan) {
      const parts = await engine.rewrite(plan)
      const hidden = await hiddenColumns(world, plan.fields)
      return parts.map((part) => ({ ...part, files: part.files.map((file) => withoutBounds(file, hidden)) }))
    },
    close: () => engine.close(),
  }
}

async function hiddenColumns(world: ContractWorld, fields: readonly ColumnField[]): Promise<ReadonlySet<string>> {
  const bounds = await modelBounds(world)
  return new Set(fields.filter((field) => bounds.hides(field)).map((field) => field.name))
}

/** By the contracts of all bronze tables. Where one cannot be read, nothing is known to be open, and all is hidden. */
async function modelBounds({ registry, settings }: ContractWorld): Promise<PrivateBounds> {
  const contracts: Contract[] = []
  try {
    for (const table of settings.tables.values()) contracts.push(parseContract(await contractInForce(registry, table)))
  } catch {
    return { hides: () => true }
  }
  return privateBounds({ contracts, unknown: 'texts' })
}

function withoutBounds(file: StagedFile, hidden: ReadonlySet<string>): StagedFile {
  const stats = file.stats.map(({ min, max, ...counted }) =>
    hidden.has(counted.column)
      ? counted
      : { ...counted, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) },
  )
  return { ...file, stats }
}
