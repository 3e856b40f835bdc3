import { SluiceError } from '../domain/errors.ts'
import type { Expectation } from '../domain/expectation.ts'
import type { EngineInput, EngineRow, EngineValue, ModelEngine } from '../ports/model-engine.ts'
import type { Check, RowsCheck } from './check.ts'
import { compileCheck, offendingRowsSql } from './compile-check.ts'
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
}

interface Asking {
  readonly expectation: Expectation
  readonly check: Check
}

const EXCUSED = new Set(['expect_scd2_no_gaps', 'expect_referential_integrity'])
const MAX_COUNTED_TOGETHER = 40

/**
 * Holds a table to expectations, in their order. All that rows keep or break alone is counted in one pass over the
 * table. Throws only where the engine or a file fails; what cannot be asked is a finding that failed.
 */
export async function judgeSuite(request: SuiteRequest): Promise<readonly Finding[]> {
  const { table, expectations } = request
  // what excuses a row, a deletion or its age, is looked up only where some row needs it
  const plain = { ...table, deletions: null, bornAt: null }
  const asked = expectations.map((expectation) => ({ expectation, check: compileCheck(plain, expectation) }))
  const findings = await findAll(request, asked)
  const excusable = [...asked.keys()].filter(
    (at) => EXCUSED.has(asked[at]!.expectation.type) && (findings[at]!.offending ?? 0) > 0,
  )
  if (excusable.length > 0 && (table.deletions !== null || table.bornAt !== null)) {
    for (const at of excusable) {
      const { expectation } = asked[at]!
      asked[at] = { expectation, check: compileCheck(table, expectation) }
    }
    const again = await findAll(
      request,
      excusable.map((at) => asked[at]!),
    )
    for (const [index, at] of excusable.entries()) findings[at] = again[index]!
  }
  const samples = await sampleAll(
    request,
    asked.filter((_, at) => !findings[at]!.success),
  )
  return findings.map((finding, at) => ({ ...finding, samples: samples.get(asked[at]!) ?? [] }))
}

interface Question {
  readonly sql: string
  readonly about: readonly Asking[]
}

async function findAll(request: SuiteRequest, asked: readonly Asking[]): Promise<Finding[]> {
  const questions = questionsOf(request.table, asked)
  const answers = new Map<Asking, Counts>()
  for (const { about, row } of await askAll(request, questions)) {
    about.forEach((each, at) => answers.set(each, row === null ? 'refused' : { row, at }))
  }
  return asked.map((each) => toFinding(each, answers.get(each) ?? null))
}

type Counts = 'refused' | { readonly row: EngineRow; readonly at: number }

function questionsOf({ view }: JudgedTable, asked: readonly Asking[]): Question[] {
  const questions: Question[] = []
  const together = asked.filter((each) => each.check.kind === 'rows')
  for (let start = 0; start < together.length; start += MAX_COUNTED_TOGETHER) {
    const about = together.slice(start, start + MAX_COUNTED_TOGETHER)
    const sums = about.map(({ check }, at) => countsOf(check as RowsCheck, at))
    questions.push({ sql: `select ${sums.join(', ')} from ${view} r`, about })
  }
  // the same counts serve expectations that differ in what they ask of them, such as `mostly` or severity
  const bySql = new Map<string, Asking[]>()
  for (const each of asked) {
    const { check } = each
    const sql = check.kind === 'query' ? check.counts : check.kind === 'figure' ? check.sql : null
    if (sql !== null) bySql.set(sql, [...(bySql.get(sql) ?? []), each])
  }
  for (const [sql, about] of bySql) questions.push({ sql, about })
  return questions
}

function countsOf({ considered, offends }: RowsCheck, at: number): string {
  const all = considered ?? 'true'
  return [
    `coalesce(sum(case when ${all} then 1 else 0 end), 0) as considered_${at}`,
    `coalesce(sum(case when (${all}) and (${offends}) then 1 else 0 end), 0) as offending_${at}`,
  ].join(', ')
}

interface Answer {
  readonly about: readonly Asking[]
  /** Null: the engine refused the question. */
  readonly row: EngineRow | null
}

/** One call for all; where the engine refuses, one a question, so that one that cannot be asked does not hide the others. */
async function askAll(request: SuiteRequest, questions: readonly Question[]): Promise<Answer[]> {
  if (questions.length === 0) return []
  const { engine, inputs, table } = request
  try {
    const answers = await engine.ask({ inputs, questions: questions.map(({ sql }) => sql) })
    return questions.map(({ about }, at) => ({ about, row: answers[at]?.[0] ?? null }))
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'QUERY_INVALID') throw error
  }
  const answers: Answer[] = []
  for (const question of questions) {
    const parts =
      question.about.length === 1 ? [question] : question.about.flatMap((each) => questionsOf(table, [each]))
    for (const { sql, about } of parts) {
      try {
        answers.push({ about, row: (await engine.ask({ inputs, questions: [sql] }))[0]?.[0] ?? null })
      } catch (error) {
        if (!(error instanceof SluiceError) || error.code !== 'QUERY_INVALID') throw error
        answers.push({ about, row: null })
      }
    }
  }
  return answers
}

function toFinding({ expectation, check }: Asking, counts: Counts | null): Finding {
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
  if (counts === 'refused' || counts === null) {
    return { ...base, success: false, impossible: 'the engine cannot ask it of these columns' }
  }
  const { row, at } = counts
  if (check.kind === 'figure') {
    const observed = row['observed'] ?? null
    return {
      ...base,
      success: row['ok'] === true,
      expected: check.expected,
      actual: observed === null ? null : plain(observed),
    }
  }
  const suffix = check.kind === 'rows' ? `_${at}` : ''
  const considered = Number(row[`considered${suffix}`] ?? 0)
  const offending = Number(row[`offending${suffix}`] ?? 0)
  const young = check.kind === 'query' ? Number(row['young'] ?? 0) : 0
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
      if (!(error instanceof SluiceError) || error.code !== 'QUERY_INVALID') throw error
    }
  }
  return found
}

function plain(value: EngineValue): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
