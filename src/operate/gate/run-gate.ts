import { SluiceError } from '../../domain/errors.ts'
import { labelOf } from '../../domain/expectation.ts'
import { formatTableName, parseTableName, type TableName } from '../../domain/identifier.ts'
import { openSnapshot } from '../../lake/snapshot.ts'
import type { World } from '../../ports/world.ts'
import { isNamed } from '../../quality/verdict.ts'
import type { Bypass } from '../../transform/build.ts'
import type { ModelNode } from '../../transform/graph.ts'
import { tableStore } from '../../transform/model-inputs.ts'
import { acceptRows, BronzeGate, openBronze, seenVersion } from './bronze-gate.ts'
import { checkSuites, knownTables, landedExpectations, type Suites } from './expectations-of.ts'
import { toAssertion, type GateWorld } from './judge-staged.ts'
import { checkBypass, releaseStaged, type ReleaseOutcome } from './release-staged.ts'
import { listManifests, readManifest, sweepStaged, type StagedManifest } from './staged-manifest.ts'

export interface GateRequest {
  readonly world: GateWorld & Pick<World, 'storeAt'>
  readonly nodes: readonly ModelNode[]
  readonly suites: Suites
  /** None: all that is staged. */
  readonly tables: readonly string[]
  readonly bypass: Bypass | null
  readonly dryRun: boolean
}

/** Judges what is staged and commits it, upstream first. A bronze table has no staged rows: its new ones are judged. */
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
  const bronze = names.filter(({ layer }) => layer === 'bronze')
  const models = names.filter(({ layer }) => layer !== 'bronze').map(formatTableName)
  const manifests =
    tables.length === 0 ? await listManifests(world.lake, nowMs) : await namedManifests(request, models, nowMs)
  await sweepStaged(world.lake, nowMs)
  const outcomes: ReleaseOutcome[] = []
  for (const table of bronze) outcomes.push(await judgeBronze(request, table))
  for (const manifest of inOrder(manifests, nodes)) outcomes.push(await releaseStaged({ ...request, manifest }))
  return outcomes
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

/** The rows that some model has not read yet. */
async function judgeBronze(
  { world, nodes, suites, bypass, dryRun }: GateRequest,
  table: TableName,
): Promise<ReleaseOutcome> {
  const name = formatTableName(table)
  const input = await openBronze(world, table)
  if (input === null) throw new SluiceError('TABLE_UNKNOWN', `${name} has no rows yet`, { where: { table: name } })
  const expectations = landedExpectations(table.table, suites)
  const readers = nodes.filter((node) => node.inputs.some((each) => formatTableName(each) === name))
  let least: number | null = input.snapshot.version
  for (const node of readers) {
    const seen = seenVersion(await openSnapshot(tableStore(world.lake, node.model)), input)
    least = seen === null || least === null ? null : Math.min(seen, least)
  }
  const { findings, verdict, hidden } = await new BronzeGate(world, suites).judge(input, expectations, least)
  const assertions = findings.map((finding) => toAssertion(finding, hidden))
  const base = { table: name, rows: 0, reason: verdict.reason, bypassed: [], version: null, assertions, error: null }
  if (bypass !== null) checkBypass(name, bypass, findings)
  const named = bypass === null ? [] : verdict.blocking.filter((each) => isNamed(each, bypass.expectations))
  const left = verdict.blocking.filter((each) => !named.includes(each))
  if (left.length > 0) {
    const error = new SluiceError('GATE_BLOCKED', `${name}: ${verdict.reason}`, { where: { table: name } })
    return { ...base, outcome: 'blocked', error }
  }
  if (bypass === null || named.length === 0) return { ...base, outcome: 'passed' }
  const bypassed = named.map(({ expectation }) => labelOf(expectation))
  if (dryRun) return { ...base, outcome: 'would_commit', bypassed }
  const accepted = { expectations: named.map(({ expectation }) => expectation), bypass }
  return { ...base, outcome: 'committed', bypassed, version: await acceptRows(world, input, accepted) }
}
