import { classifyError } from '../../../domain/errors.ts'
import type { Happening, JobEnd } from '../../../domain/events.ts'
import type { Expectation } from '../../../domain/expectation.ts'
import { formatTableName, type TableName } from '../../../domain/identifier.ts'
import { entryPath } from '../../../lake/log/log-file.ts'
import { openSnapshot } from '../../../lake/snapshot.ts'
import { tableStore, type OpenInput } from '../../../transform/model-inputs.ts'
import type { GateNote } from '../../../transform/model-outcome.ts'
import { landedExpectations, type Suites } from '../expectations-of.ts'
import type { GateWorld } from '../judge-staged.ts'
import type { GateJudgement } from '../report/judgement.ts'
import { readGateReport, writeGateReport, type GateReport, type JudgedRange } from '../report/gate-report.ts'
import { keepReport, sampleBounds } from '../report/keep-report.ts'
import { bringsRows, judgeRows, suiteText } from './judge-rows.ts'

/**
 * Bronze rows are judged once they landed and before a model reads them: those that came after the last version that
 * was let through. A critical failure blocks the models that read them, never ingest. The verdict stands in the lake
 * with the versions that it covers; whoever needs one for rows that none covers, such as those of a process that died
 * between commit and judgement, judges them. So no model reads rows that were not judged.
 */
export class BronzeGate {
  readonly #world: GateWorld
  readonly #suites: Suites

  constructor(world: GateWorld, suites: Suites) {
    this.#world = world
    this.#suites = suites
  }

  /** Why no model may read what these inputs hold, or null. */
  async mayRead(inputs: readonly OpenInput[]): Promise<GateNote | null> {
    for (const input of inputs) {
      const report = await this.verdict(input)
      if (report?.outcome !== 'blocked') continue
      const reason = `${input.name} was blocked: ${report.reason}; next: sluice gate ${input.name}`
      return { outcome: 'blocked', expectations: report.assertions.length, reason, table: input.name }
    }
    return null
  }

  /** Of all rows of this version: the kept one where it still holds, else a new one. Null: nothing is asked of the table. */
  async verdict(input: OpenInput): Promise<GateReport | null> {
    const expectations = this.expectations(input.table)
    if (expectations.length === 0) return null
    const kept = await readGateReport(this.#world.lake, input.name)
    return kept !== null && holds(kept, input, expectations) ? kept : this.judge(input, kept)
  }

  /** The rows that came since the table was let through last, judged anew whatever the kept verdict says. */
  async judge(input: OpenInput, before: GateReport | null): Promise<GateReport> {
    // versions that brought no rows, such as a compaction or a bypass, leave the verdict as it is
    if (before !== null && before.outcome !== 'blocked' && !(await bringsRows(input, startAfter(before, input)))) {
      const report = { ...before, landed: this.#range(input, before) }
      await writeGateReport(this.#world.lake, report)
      return report
    }
    return this.#asJob(input, async () => this.keep(input, before, await this.look(input, before)))
  }

  /** From here on it decides. */
  keep(input: OpenInput, before: GateReport | null, judgement: GateJudgement): Promise<GateReport> {
    const landed = this.#range(input, before)
    return keepReport({ world: this.#world, table: input.table, judgement, before, landed })
  }

  /** Judges and keeps nothing. */
  look(input: OpenInput, before: GateReport | null): Promise<GateJudgement> {
    return judgeRows({
      world: this.#world,
      input,
      expectations: this.expectations(input.table),
      after: startAfter(before, input),
      samples: sampleBounds(before, this.#world.clock.nowMs()),
    })
  }

  /** What the rows of a bronze table are held to after they landed. */
  expectations({ layer, table }: TableName): readonly Expectation[] {
    return layer === 'bronze' ? landedExpectations(table, this.#suites) : []
  }

  #range(input: OpenInput, before: GateReport | null): JudgedRange {
    const { metadata, version } = input.snapshot
    const suite = suiteText(this.expectations(input.table))
    return { table_id: metadata.id, after: startAfter(before, input), to: version, suite }
  }

  async #asJob(input: OpenInput, work: () => Promise<GateReport>): Promise<GateReport> {
    const { clock, events, runId, traceId } = this.#world
    const emit = (happening: Happening): void =>
      events.emit({ runId, traceId, jobName: `gate:${input.name}`, ...happening })
    const startedMs = clock.nowMs()
    emit({ type: 'job.started', stage: 'gate', inputs: [{ kind: 'table', name: input.name }], outputs: [] })
    const end = (how: JobEnd): void =>
      emit({ type: 'job.ended', stage: 'gate', idle: false, ms: clock.nowMs() - startedMs, ...how })
    try {
      const report = await work()
      // what the suite refuses is what the job was to find out
      end({ outcome: 'completed' })
      return report
    } catch (error) {
      const { code, message } = classifyError(error)
      end({ outcome: 'failed', code, message })
      throw error
    }
  }
}

export async function openBronze({ lake }: Pick<GateWorld, 'lake'>, table: TableName): Promise<OpenInput | null> {
  const store = tableStore(lake, table)
  const snapshot = await openSnapshot(store)
  return snapshot === null ? null : { table, name: formatTableName(table), store, snapshot }
}

/** Whether the table has versions that its kept verdict does not cover; costs two small reads. */
export async function hasUnjudged({ lake }: Pick<GateWorld, 'lake'>, table: TableName): Promise<boolean> {
  const kept = await readGateReport(lake, formatTableName(table))
  const next = (kept?.landed?.to ?? -1) + 1
  return (await tableStore(lake, table).stat(entryPath(next))) !== null
}

/** Their verdict may change though no row does: time goes on, and parents land. */
const SHIFTING = new Set(['expect_freshness', 'expect_referential_integrity'])

/**
 * A passing verdict holds for all rows up to its version. A blocking one holds for just its version and suite, and only
 * while nothing else could change it. Pure.
 */
export function holds(
  { landed, outcome }: Pick<GateReport, 'landed' | 'outcome'>,
  { snapshot }: Pick<OpenInput, 'snapshot'>,
  expectations: readonly Expectation[],
): boolean {
  if (landed === null || landed.table_id !== snapshot.metadata.id || landed.to < snapshot.version) return false
  if (outcome !== 'blocked') return true
  return landed.suite === suiteText(expectations) && !expectations.some(({ type }) => SHIFTING.has(type))
}

/** The last version that was let through; null where none was. Pure. */
function startAfter(before: GateReport | null, { snapshot }: OpenInput): number | null {
  const landed = before?.landed ?? null
  if (landed === null || landed.table_id !== snapshot.metadata.id) return null
  const cleared = before?.outcome === 'blocked' ? landed.after : landed.to
  return cleared === null ? null : Math.min(cleared, snapshot.version)
}
