import type { Expectation } from '../domain/expectation.ts'
import type { EngineInput, EngineRow, EngineValue, ModelEngine } from '../ports/model-engine.ts'
import { compileCheck, offendingRowsSql } from './compile-check.ts'
import { countChanges, countsOf, type Counts, type Since } from './count-changes.ts'
import { countChecks, isRefused, type Asking, type Tallies, type Tally } from './count-checks.ts'
import type { Finding } from './finding.ts'
import type { JudgedTable } from './judged-table.ts'

export interface SuiteRequest {
  readonly engine: Pick<ModelEngine, 'ask'>
  /** The views that `table` names. */
  readonly inputs: readonly EngineInput[]
  readonly table: JudgedTable
  readonly expectations: readonly Expectation[]
  /** At most how many offending rows are kept of an expectation that failed; 0 asks for none. */
  readonly samples: (expectation: Expectation) => number
  /** What is known of the table as it was, where that is less to read. */
  readonly since?: Since | null
}

const EXCUSED = new Set(['expect_scd2_no_gaps'])

export interface JudgedSuite {
  readonly findings: readonly Finding[]
  /** What may be counted on from here: see `Since`. */
  readonly counts: Counts
}

/**
 * Holds a table to expectations, in their order. With `since`, what changed tells as far as it can, to the same
 * findings. Throws only where the engine or a file fails; what cannot be asked is a finding that failed.
 */
export async function judgeSuite(request: SuiteRequest): Promise<JudgedSuite> {
  const { table, expectations, since = null } = request
  // a deletion, which excuses a gap, is looked up only where there is one
  const plain = { ...table, deletions: null }
  const asked = expectations.map((expectation) => ({ expectation, check: compileCheck(plain, expectation) }))
  const known = since === null ? new Map() : await countChanges({ engine: request.engine, table: plain }, since, asked)
  const tallies = await count(request, asked, known)
  const findings = asked.map((each) => toFinding(each, tallies.get(each)))
  const excusable = [...asked.keys()].filter(
    (at) => EXCUSED.has(asked[at]!.expectation.type) && (findings[at]!.offending ?? 0) > 0,
  )
  if (excusable.length > 0 && table.deletions !== null) {
    for (const at of excusable) {
      const { expectation } = asked[at]!
      asked[at] = { expectation, check: compileCheck(table, expectation) }
    }
    const again = excusable.map((at) => asked[at]!)
    const excused = await count(request, again, new Map())
    for (const at of excusable) findings[at] = toFinding(asked[at]!, excused.get(asked[at]!))
  }
  const samples = await sampleAll(
    request,
    asked.filter((_, at) => !findings[at]!.success),
  )
  return {
    findings: findings.map((finding, at) => ({ ...finding, samples: samples.get(asked[at]!) ?? [] })),
    counts: countsOf(tallies),
  }
}

function count({ engine, inputs, table }: SuiteRequest, asked: readonly Asking[], known: Tallies): Promise<Tallies> {
  return countChecks({ engine, inputs, view: table.view, asked, known })
}

function toFinding({ expectation, check }: Asking, tally: Tally | 'refused' | undefined): Finding {
  const base = {
    expectation,
    considered: null,
    offending: null,
    young: 0,
    expected: null,
    actual: null,
    impossible: null,
    samples: [],
  }
  if (check.kind === 'impossible') return { ...base, success: false, impossible: check.reason }
  if (check.kind === 'known') {
    return { ...base, success: check.success, expected: check.expected, actual: check.actual }
  }
  // an engine's own words may quote values
  if (tally === 'refused' || tally === undefined) {
    return { ...base, success: false, impossible: 'the engine cannot ask it of these columns' }
  }
  if (check.kind === 'figure') {
    const { observed = null, ok = false } = tally.figure ?? {}
    return { ...base, success: ok, expected: check.expected, actual: observed === null ? null : plainText(observed) }
  }
  const { considered = 0, offending = 0, young = 0 } = tally
  return { ...base, success: keepsMostly({ considered, offending }, check.mostly), considered, offending, young }
}

/** A table without rows that count keeps everything. */
export function keepsMostly(
  { considered, offending }: { readonly considered: number; readonly offending: number },
  mostly: number,
): boolean {
  return offending === 0 || (considered - offending) / considered >= mostly
}

async function sampleAll(
  { engine, inputs, table, samples }: SuiteRequest,
  asked: readonly Asking[],
): Promise<ReadonlyMap<Asking, readonly EngineRow[]>> {
  const wanted = asked.flatMap((each) => {
    const sql = offendingRowsSql(table, each.check)
    const limit = sql === null ? 0 : samples(each.expectation)
    return limit === 0 ? [] : [{ each, sql: `select * from (${sql}) s limit ${limit}` }]
  })
  const found = new Map<Asking, readonly EngineRow[]>()
  for (const { each, sql } of wanted) {
    try {
      const [rows] = await engine.ask({ inputs, questions: [sql] })
      found.set(
        each,
        (rows ?? []).map(({ _file, ...row }) => row),
      )
    } catch (error) {
      // told by the finding already
      if (!isRefused(error)) throw error
    }
  }
  return found
}

function plainText(value: EngineValue): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
