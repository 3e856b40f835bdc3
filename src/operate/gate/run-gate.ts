import { SluiceError } from '../../domain/errors.ts'
import { formatTableName, parseTableName, type TableName } from '../../domain/identifier.ts'
import type { World } from '../../ports/world.ts'
import type { Bypass } from '../../transform/build.ts'
import type { ModelNode } from '../../transform/graph.ts'
import { gateBronze } from './bronze/gate-bronze.ts'
import { checkSuites, knownTables, type Suites } from './expectations-of.ts'
import type { GateWorld } from './judge-staged.ts'
import { listGateReports } from './report/gate-report.ts'
import { releaseStaged, type ReleaseOutcome } from './release-staged.ts'
import { listManifests, readManifest, sweepStaged, type StagedManifest } from './staged-manifest.ts'

export interface GateRequest {
  readonly world: GateWorld & Pick<World, 'storeAt'>
  readonly nodes: readonly ModelNode[]
  readonly suites: Suites
  /** None: all that is staged, and bronze tables that are blocked. */
  readonly tables: readonly string[]
  readonly bypass: Bypass | null
  readonly dryRun: boolean
}

/**
 * Judges what is staged and commits it, upstream first. A bronze table has no staged rows: those that landed and were
 * not let through yet are judged again.
 */
export async function runGate(request: GateRequest): Promise<ReleaseOutcome[]> {
  const { world, nodes, suites, tables, bypass } = request
  checkSuites(
    suites,
    knownTables(
      world,
      nodes.map(({ model }) => model),
    ),
  )
  if (bypass !== null && tables.length === 0) {
    throw new SluiceError('USAGE', 'a bypass is of one table: name it, as in `gate silver.orders --bypass …`')
  }
  const nowMs = world.clock.nowMs()
  const names = tables.map((table) => parseTableName(table))
  const bronze = tables.length === 0 ? await blockedBronze(request) : names.filter(({ layer }) => layer === 'bronze')
  const models = names.filter(({ layer }) => layer !== 'bronze').map(formatTableName)
  const manifests =
    tables.length === 0 ? await listManifests(world.lake, nowMs) : await namedManifests(request, models, nowMs)
  await sweepStaged(world.lake, nowMs)
  const outcomes: ReleaseOutcome[] = []
  for (const table of bronze) outcomes.push(await gateBronze(request, table))
  for (const manifest of inOrder(manifests, nodes)) outcomes.push(await releaseStaged({ ...request, manifest }))
  return outcomes
}

async function blockedBronze({ world }: GateRequest): Promise<TableName[]> {
  const reports = await listGateReports(world.lake)
  const blocked = reports.filter(({ outcome, landed }) => outcome === 'blocked' && landed !== null)
  const tables = blocked.map(({ table }) => parseTableName(table))
  return tables.filter(({ table }) => world.settings.tables.has(table))
}

async function namedManifests(
  { world, nodes }: GateRequest,
  models: readonly string[],
  nowMs: number,
): Promise<StagedManifest[]> {
  const found: StagedManifest[] = []
  for (const model of models) {
    const manifest = await readManifest(world.lake, model, nowMs)
    if (manifest === null) {
      const known = nodes.some(({ name }) => name === model)
      throw new SluiceError(known ? 'STAGED_UNKNOWN' : 'MODEL_UNKNOWN', `nothing of ${model} is staged`, {
        where: { model },
      })
    }
    found.push(manifest)
  }
  return found
}

function inOrder(manifests: readonly StagedManifest[], nodes: readonly ModelNode[]): StagedManifest[] {
  const place = (model: string): number => nodes.findIndex(({ name }) => name === model)
  return [...manifests].sort((a, b) => place(a.model) - place(b.model))
}
