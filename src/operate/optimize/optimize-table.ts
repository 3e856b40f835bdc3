import type { Emit } from '../../domain/events.ts'
import { quoteIdentifier } from '../../domain/identifier.ts'
import { engineInput } from '../../lake/engine-input.ts'
import { checkWritable } from '../../lake/log/protocol.ts'
import type { AddFile, Snapshot } from '../../lake/snapshot.ts'
import type { EngineRow } from '../../ports/model-engine.ts'
import { resolveTable, type NamedTable } from '../look/resolve-table.ts'
import { commitRewrites } from './commit-rewrites.ts'
import { groupRewrites, partitionKey, planClustering, planCompaction, sumOf, type Rewrite } from './plan-rewrites.ts'
import { foreseenEffect, skippingEffect, unboundedColumns, type SkippingEffect } from './skipping-effect.ts'
import { stageRewrites, type OptimizeWorld } from './stage-rewrites.ts'
import { zorderColumns } from './zorder-columns.ts'

export type { OptimizeWorld } from './stage-rewrites.ts'

export interface OptimizeRequest {
  /** `layer.table` */
  readonly table: string
  /** Columns to cluster by; empty for bin-packing alone. */
  readonly zorder: readonly string[]
  readonly dryRun?: boolean
  readonly budget?: OptimizeBudget
}

/**
 * For a job, which must not take the machine for itself and comes again: nothing is begun past it, at least one rewrite
 * is done, and no file is written anew for little.
 */
export interface OptimizeBudget {
  /** Of files that are written anew. */
  readonly maxBytes: number
  readonly untilMs: number
}

/**
 * `unchanged`: nothing to gain. `planned`: a dry run. `partly`: the budget was used up. `yielded`: another writer changed
 * the files again and again; what it left is for the next call.
 */
export type OptimizeOutcome = 'unchanged' | 'planned' | 'optimized' | 'partly' | 'yielded'

export interface OptimizeReport {
  readonly table: string
  readonly outcome: OptimizeOutcome
  /** The table's version at the end. */
  readonly version: number
  readonly commits: number
  readonly partitions: number
  readonly filesRemoved: number
  readonly filesAdded: number
  readonly bytesRemoved: number
  readonly bytesAdded: number
  /** Rewrites that were given up since another writer changed their files. */
  readonly conflicts: number
  readonly zorder: readonly string[]
  readonly effect: readonly SkippingEffect[]
  readonly notices: readonly string[]
}

/** Staged files wait for their commit up to this many times the target: what a kill or a conflict can cost. */
const GROUP_TARGETS = 8
const MAX_CONFLICTS = 5
const MIB = 1024 * 1024

/**
 * Writes small files anew as fewer of the target size (`performance.partition_size_mb`), or whole partitions in the
 * order of `zorder`. Guarantee: the table holds the same rows at every version, positions stand still, and whoever reads
 * changes sees none; a kill leaves files that no version holds. Files that come while it runs are left for the next
 * call. Throws TABLE_UNKNOWN, TABLE_UNSUPPORTED, TABLE_FILES_MISSING, FILE_CORRUPT, and USAGE for `zorder`.
 */
export async function optimizeTable(world: OptimizeWorld, request: OptimizeRequest): Promise<OptimizeReport> {
  const table = await resolveTable(world.lake, request.table)
  const { protocol, metadata } = table.snapshot
  checkWritable(protocol, metadata.action, { uri: table.store.uri, removesRows: false })
  const asked = request.zorder.length === 0 ? null : zorderColumns(request.zorder, { ...metadata, name: table.text })
  const run = new OptimizeRun(world, request, { table, columns: asked?.columns ?? [], notices: asked?.notices ?? [] })
  return request.dryRun === true ? run.foresee() : run.go()
}

interface RunStart {
  readonly table: NamedTable
  readonly columns: readonly string[]
  readonly notices: readonly string[]
}

class OptimizeRun {
  readonly #world: OptimizeWorld
  readonly #request: OptimizeRequest
  readonly #start: RunStart
  /** Partitions that are clustered already: what comes while this runs must not make it go on for ever. */
  readonly #clustered = new Set<string>()
  /** Files that this run made. */
  readonly #made = new Set<string>()
  readonly #partitions = new Set<string>()
  readonly #sample: EngineRow[] = []
  #commits = 0
  #filesRemoved = 0
  #filesAdded = 0
  #bytesRemoved = 0
  #bytesAdded = 0
  #conflicts = 0

  constructor(world: OptimizeWorld, request: OptimizeRequest, start: RunStart) {
    this.#world = world
    this.#request = request
    this.#start = start
  }

  async foresee(): Promise<OptimizeReport> {
    const { table, columns } = this.#start
    const { snapshot } = table
    const rewrites = this.#plan(snapshot)
    for (const rewrite of rewrites) this.#count(rewrite)
    const report = this.#report(rewrites.length === 0 ? 'unchanged' : 'planned', snapshot)
    if (columns.length === 0 || rewrites.length === 0) return report
    const effect = foreseenEffect({
      table: snapshot.metadata,
      files: [...snapshot.files.values()],
      rewrites,
      columns,
      sample: await sampleRows(this.#world, table, columns),
      targetBytes: this.#targetBytes(),
    })
    return { ...report, effect, notices: [...report.notices, ...(effect.length === 0 ? [] : [FORESEEN])] }
  }

  async go(): Promise<OptimizeReport> {
    let { table } = this.#start
    for (;;) {
      const group = groupRewrites(this.#plan(table.snapshot), this.#groupBytes())[0] ?? []
      if (group.length === 0) return this.#report(this.#commits === 0 ? 'unchanged' : 'optimized', table.snapshot)
      const within = this.#withinBudget(group)
      if (within.length === 0) return this.#report('partly', table.snapshot)
      this.#world.signal.throwIfAborted()
      const snapshot = await this.#rewrite(table, within)
      table = { ...table, snapshot }
      if (this.#conflicts >= MAX_CONFLICTS) return this.#report('yielded', snapshot)
    }
  }

  async #rewrite(table: NamedTable, rewrites: readonly Rewrite[]): Promise<Snapshot> {
    const world = this.#world
    const { columns: clusterBy } = this.#start
    const emit: Emit = (happening) =>
      world.events.emit({
        runId: world.runId,
        traceId: world.traceId,
        jobName: `optimize:${table.text}`,
        ...happening,
      })
    const staged = await stageRewrites({ world, table, rewrites, clusterBy, emit })
    const adds = staged.flatMap((each) => each.adds)
    emit({
      type: 'optimize.staged',
      table: table.text,
      filesRemoved: rewrites.reduce((sum, { files }) => sum + files.length, 0),
      filesAdded: adds.length,
      bytesRemoved: sumOf(rewrites),
      bytesAdded: sumOf(adds),
    })
    const { committed, lost, snapshot } = await commitRewrites({ world, table, staged, clusterBy, emit })
    if (committed.length > 0) this.#commits += 1
    this.#conflicts += lost.length === 0 ? 0 : 1
    for (const each of committed) {
      this.#count(each.rewrite)
      this.#filesAdded += each.adds.length
      this.#bytesAdded += sumOf(each.adds)
      this.#sample.push(...each.sample)
      for (const add of each.adds) this.#made.add(add.path)
      if (clusterBy.length > 0) this.#clustered.add(each.rewrite.partition)
    }
    return snapshot
  }

  #plan(snapshot: Snapshot): readonly Rewrite[] {
    const { table, columns } = this.#start
    const targetBytes = this.#targetBytes()
    if (columns.length > 0) {
      const files = [...snapshot.files.values()].filter((file) => !this.#clustered.has(partitionKey(file)))
      return planClustering(files, { columns, targetBytes })
    }
    const known = (file: AddFile): boolean => table.snapshot.files.has(file.path) || this.#made.has(file.path)
    return planCompaction([...snapshot.files.values()].filter(known), {
      targetBytes,
      thrifty: this.#request.budget !== undefined,
    })
  }

  #withinBudget(group: readonly Rewrite[]): readonly Rewrite[] {
    const { budget } = this.#request
    if (budget === undefined) return group
    const isFirst = this.#commits === 0 && this.#conflicts === 0
    if (!isFirst && this.#world.clock.nowMs() >= budget.untilMs) return []
    let left = budget.maxBytes - this.#bytesRemoved
    const within = group.filter(({ bytes }) => (left -= bytes) >= 0)
    return within.length === 0 && isFirst ? group.slice(0, 1) : within
  }

  #count({ partition, files, bytes }: Rewrite): void {
    this.#partitions.add(partition)
    this.#filesRemoved += files.length
    this.#bytesRemoved += bytes
  }

  #targetBytes(): number {
    return this.#world.settings.performance.partitionSizeBytes
  }

  #groupBytes(): number {
    return this.#targetBytes() * GROUP_TARGETS
  }

  #report(outcome: OptimizeOutcome, now: Snapshot): OptimizeReport {
    const { table, columns, notices } = this.#start
    const { metadata } = table.snapshot
    const before = [...table.snapshot.files.values()]
    const after = [...now.files.values()]
    const isClustered = columns.length > 0 && this.#commits > 0
    return {
      table: table.text,
      outcome,
      version: now.version,
      commits: this.#commits,
      partitions: this.#partitions.size,
      filesRemoved: this.#filesRemoved,
      filesAdded: this.#filesAdded,
      bytesRemoved: this.#bytesRemoved,
      bytesAdded: this.#bytesAdded,
      conflicts: this.#conflicts,
      zorder: columns,
      effect: isClustered ? skippingEffect({ table: metadata, before, after, columns, sample: this.#sample }) : [],
      notices: [
        ...notices,
        ...(isClustered ? unboundedColumns(after, columns).map(unboundedNotice) : []),
        ...targetNotice(this.#targetBytes()),
      ],
    }
  }
}

const SAMPLE_ROWS = 128
const SAMPLE_FILES = 16
const FORESEEN =
  'what is read then is an estimate, as if values were spread evenly; what it is in truth is told once it is done'

/** Drawn at random from files here and there, for a far store's are fetched; of the columns alone. */
async function sampleRows(
  { engine }: OptimizeWorld,
  { store, snapshot }: NamedTable,
  columns: readonly string[],
): Promise<readonly EngineRow[]> {
  const all = [...snapshot.files.values()]
  const step = Math.ceil(all.length / SAMPLE_FILES)
  const input = await engineInput({ name: 't', store, snapshot, files: all.filter((_, at) => at % step === 0) })
  const names = columns.map((column) => quoteIdentifier(column)).join(', ')
  const questions = [`select ${names} from t using sample reservoir(${SAMPLE_ROWS} rows) repeatable (1)`]
  const [rows] = await (await engine()).ask({ inputs: [input], questions })
  return rows ?? []
}

function unboundedNotice(column: string): string {
  return `the log states no bounds of ${column} for some file (a private column, one past the first 32, or values that it cannot state): by it alone no file is left out`
}

/** Sizes that readers like. */
function targetNotice(targetBytes: number): readonly string[] {
  const mb = targetBytes / MIB
  return mb >= 128 && mb <= 512
    ? []
    : [`performance.partition_size_mb is ${Math.round(mb * 10) / 10}: files of 128 to 512 MB are read fastest`]
}
