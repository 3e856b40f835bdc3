import { classifyError, SluiceError } from '../../domain/errors.ts'
import type { Happening, JobEnd } from '../../domain/events.ts'
import { labelOf } from '../../domain/expectation.ts'
import type { GateAssertion } from '../../domain/gate-result.ts'
import { suggestion } from '../../domain/nearest-word.ts'
import type { StagedFile } from '../../ports/model-engine.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { World } from '../../ports/world.ts'
import type { Finding } from '../../quality/finding.ts'
import { isNamed } from '../../quality/verdict.ts'
import { commitModel, type Bypass } from '../../transform/commit-model.ts'
import type { ModelNode } from '../../transform/graph.ts'
import { tableStore } from '../../transform/model-inputs.ts'
import { gateCounts } from './counts-since.ts'
import type { Suites } from './expectations-of.ts'
import { judgeStaged, type GateWorld } from './judge-staged.ts'
import { toAssertion } from './report/judgement.ts'
import { reopenStaged } from './keep-staged.ts'
import { keepBypassNote } from './report/bypass-note.ts'
import { dropStaged, stagedStore, type StagedManifest } from './staged-manifest.ts'

export interface ReleaseRequest {
  readonly world: GateWorld & Pick<World, 'storeAt'>
  readonly manifest: StagedManifest
  readonly nodes: readonly ModelNode[]
  readonly suites: Suites
  readonly bypass: Bypass | null
  readonly dryRun: boolean
}

/** What became of one staged result. */
export interface ReleaseOutcome {
  /** `layer.table` */
  readonly table: string
  /** `moved_on`: it was made from, or against, what no longer stands. `passed`: bronze rows, which are committed already. */
  readonly outcome: 'committed' | 'would_commit' | 'passed' | 'blocked' | 'moved_on'
  readonly reason: string
  readonly version: number | null
  readonly rows: number
  /** Expectations that a person let pass. */
  readonly bypassed: readonly string[]
  readonly assertions: readonly GateAssertion[]
  readonly error: SluiceError | null
}

/** Judges a staged result by the suites as they are now and commits it if nothing critical fails but what is let pass. */
export async function releaseStaged(request: ReleaseRequest): Promise<ReleaseOutcome> {
  const { world, manifest, dryRun } = request
  if (dryRun) return tryRelease(request)
  const { runId, traceId, events, clock } = world
  const emit = (happening: Happening): void =>
    events.emit({ runId, traceId, jobName: `build:${manifest.model}`, ...happening })
  const startedMs = clock.nowMs()
  emit({
    type: 'job.started',
    stage: 'build',
    inputs: manifest.inputs.map(({ table }) => ({ kind: 'table', name: table })),
    outputs: [{ kind: 'table', name: manifest.model }],
  })
  const end = (how: JobEnd): void =>
    emit({ type: 'job.ended', stage: 'build', idle: false, ms: clock.nowMs() - startedMs, ...how })
  try {
    const outcome = await tryRelease(request)
    const { error } = outcome
    end(error === null ? { outcome: 'completed' } : { outcome: 'failed', code: error.code, message: error.message })
    return outcome
  } catch (error) {
    const { code, message } = classifyError(error)
    end({ outcome: 'failed', code, message })
    throw error
  }
}

async function tryRelease(request: ReleaseRequest): Promise<ReleaseOutcome> {
  const { world, manifest, nodes, suites, bypass, dryRun } = request
  const node = nodes.find(({ name }) => name === manifest.model)
  const reopened =
    node === undefined
      ? ({ kind: 'moved_on', reason: 'there is no such model any more' } as const)
      : await reopenStaged(world.lake, manifest, node)
  if (node === undefined || reopened.kind === 'moved_on') {
    return stale(manifest, reopened.kind === 'moved_on' ? reopened.reason : '')
  }
  const { staged, inputs } = reopened
  const judgement = await judgeStaged({
    world,
    staged,
    inputs,
    suites,
    bypass: bypass?.expectations ?? [],
  })
  const { verdict, findings, hidden } = judgement
  const assertions = findings.map((finding) => toAssertion(finding, hidden))
  const bypassed = verdict.bypassed.map(({ expectation }) => labelOf(expectation))
  const base = { table: manifest.model, version: null, rows: manifest.rows, bypassed, assertions, error: null }
  if (bypass !== null) checkBypass(manifest.model, bypass, findings)
  if (verdict.outcome === 'blocked') {
    const error = new SluiceError('GATE_BLOCKED', `${manifest.model}: ${verdict.reason}`, {
      where: { model: manifest.model },
    })
    return { ...base, outcome: 'blocked', reason: verdict.reason, error }
  }
  if (dryRun) return { ...base, outcome: 'would_commit', reason: verdict.reason }
  const { runId, traceId, events } = world
  const committed = await commitModel({
    world,
    node,
    nodes,
    staged: { ...staged, files: await copyFiles(request, staged.files) },
    store: tableStore(world.lake, node.model),
    inputs,
    ...gateCounts(judgement),
    ...(bypass === null || bypassed.length === 0 ? {} : { bypass: { ...bypass, expectations: bypassed } }),
    emit: (happening) => events.emit({ runId, traceId, jobName: `build:${node.name}`, ...happening }),
  })
  if (committed.kind === 'conflicted') return stale(manifest, committed.reason)
  if (bypass !== null && bypassed.length > 0) {
    await keepBypassNote(world.lake, {
      form: 1,
      table: manifest.model,
      version: committed.version,
      at: new Date(world.clock.nowMs()).toISOString(),
      expectations: bypassed,
      reason: bypass.reason,
      run_id: runId,
    })
  }
  await dropStaged(world.lake, manifest.model)
  return { ...base, outcome: 'committed', reason: verdict.reason, version: committed.version }
}

function stale(manifest: StagedManifest, reason: string): ReleaseOutcome {
  const error = new SluiceError('GATE_STALE', `the staged result of ${manifest.model} is out of date: ${reason}`, {
    where: { model: manifest.model },
    hint: `Build again: \`sluice build ${manifest.model}\`.`,
  })
  return {
    table: manifest.model,
    outcome: 'moved_on',
    reason,
    version: null,
    rows: manifest.rows,
    bypassed: [],
    assertions: [],
    error,
  }
}

/** A bypass of what did not fail is a mistyped name, or no longer needed: it must not look as if it had been. */
export function checkBypass(table: string, { expectations }: Bypass, findings: readonly Finding[]): void {
  for (const name of expectations) {
    const named = findings.filter((finding) => isNamed(finding, [name]))
    if (named.some(({ success, expectation }) => !success && expectation.severity === 'critical')) continue
    const failing = findings
      .filter(({ success, expectation }) => !success && expectation.severity === 'critical')
      .map(({ expectation }) => labelOf(expectation))
    const what = named.length > 0 ? 'does not block' : 'is no expectation of'
    throw new SluiceError(
      'USAGE',
      `${name} ${what} ${table}${named.length > 0 ? '' : suggestion(name, failing)}; what blocks it: ${failing.join(', ') || 'nothing'}`,
    )
  }
}

const CHUNK_BYTES = 8 * 1024 * 1024

/** A commit moves files into the table; if it does not come about, the staged ones must still be there. */
async function copyFiles({ world, manifest }: ReleaseRequest, files: readonly StagedFile[]): Promise<StagedFile[]> {
  const folder = await world.stagingFolder(`gate-${manifest.model}`)
  const from = stagedStore(world.lake, manifest.model)
  const to = world.storeAt(folder)
  const copies: StagedFile[] = []
  for (const [at, file] of files.entries()) {
    const { path } = manifest.files[at]!
    const name = `part-${at}.parquet`
    await copyObject({ from, path, bytes: (await from.stat(path))?.bytes ?? 0, to, name })
    const localFile = await to.localFile(name)
    if (localFile === null) throw new SluiceError('STORE_UNAVAILABLE', `${to.uri}/${name} was written and is not there`)
    copies.push({ ...file, localFile })
  }
  return copies
}

interface ObjectCopy {
  readonly from: ObjectStore
  readonly path: string
  readonly bytes: number
  readonly to: ObjectStore
  readonly name: string
}

async function copyObject({ from, path, bytes, to, name }: ObjectCopy): Promise<void> {
  const writer = await to.openWrite(name)
  try {
    for (let at = 0; at < bytes; at += CHUNK_BYTES) {
      const chunk = await from.readRange(path, at, Math.min(at + CHUNK_BYTES, bytes))
      if (chunk === null) throw new SluiceError('STORE_UNAVAILABLE', `${from.uri}/${path} is gone`)
      await writer.write(chunk)
    }
    await writer.finish()
  } catch (error) {
    await writer.abort()
    throw error
  }
}
