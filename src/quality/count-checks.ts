import { SluiceError } from '../domain/errors.ts'
import type { Expectation } from '../domain/expectation.ts'
import type { AskPlan, EngineInput, EngineRow, EngineValue, ModelEngine, RowsStep } from '../ports/model-engine.ts'
import type { Check } from './check.ts'

export interface Asking {
  readonly expectation: Expectation
  readonly check: Check
}

/** What an engine answered about one check, as far as it was asked. */
export interface Tally {
  readonly considered?: number
  readonly offending?: number
  readonly young?: number
  readonly figure?: { readonly observed: EngineValue; readonly ok: boolean }
}

/** `refused`: the engine cannot ask it. */
export type Tallies = ReadonlyMap<Asking, Tally | 'refused'>

/** One row for several checks: what it says of each. */
export interface Question {
  readonly sql: string
  /** What it reads, beside views. */
  readonly step?: RowsStep
  readonly readings: readonly Reading[]
}

interface Reading {
  readonly asking: Asking
  readonly read: (row: EngineRow) => Tally
}

export interface CountRequest {
  readonly engine: Pick<ModelEngine, 'ask'>
  readonly inputs: readonly EngineInput[]
  /** What stands after FROM for the rows. */
  readonly view: string
  readonly asked: readonly Asking[]
  /** What needs no asking. */
  readonly known: Tallies
}

const MAX_COUNTED_TOGETHER = 40

/** Asks an engine what it takes to judge; all that rows keep or break alone is counted in one pass over the table. */
export async function countChecks(request: CountRequest): Promise<Tallies> {
  const { engine, inputs, known, asked } = request
  const tallies = new Map(known)
  const questions = questionsOf(request.view, asked, known)
  if (questions.length === 0) return tallies
  try {
    addAnswers(tallies, questions, await engine.ask({ inputs, ...askedOf(questions) }))
    return tallies
  } catch (error) {
    if (!isRefused(error)) throw error
  }
  // one a question, so that one that cannot be asked does not hide the others
  for (const each of asked) {
    for (const question of questionsOf(request.view, [each], known)) {
      try {
        addAnswers(tallies, [question], await engine.ask({ inputs, ...askedOf([question]) }))
      } catch (error) {
        if (!isRefused(error)) throw error
        tallies.set(each, 'refused')
      }
    }
  }
  return tallies
}

export function questionsOf(view: string, asked: readonly Asking[], known: Tallies): readonly Question[] {
  const questions: Question[] = []
  const together = asked.filter((each) => isCountedAlone(each, known))
  for (let start = 0; start < together.length; start += MAX_COUNTED_TOGETHER) {
    const about = together.slice(start, start + MAX_COUNTED_TOGETHER)
    questions.push({
      sql: `select ${about.map(({ check }, at) => sumsOf(check, at)).join(', ')} from ${view} r`,
      readings: about.map((asking, at) => ({ asking, read: (row) => readSums(asking.check, row, at) })),
    })
  }
  // the same counts serve expectations that differ in what they ask of them, such as `mostly` or severity
  const bySql = new Map<string, Asking[]>()
  for (const each of asked) {
    const sql = known.has(each) && isWhole(known.get(each)!) ? null : ownSql(each.check)
    if (sql !== null) bySql.set(sql, [...(bySql.get(sql) ?? []), each])
  }
  for (const [sql, about] of bySql) {
    const [{ check }] = about as [Asking]
    questions.push({
      sql,
      ...(check.kind === 'query' && check.step !== undefined ? { step: check.step } : {}),
      readings: about.map((asking) => ({ asking, read: (row) => readOwn(asking.check, row) })),
    })
  }
  return questions
}

export function askedOf(questions: readonly Question[]): Pick<AskPlan, 'steps' | 'questions'> {
  const steps = new Map(questions.flatMap(({ step }) => (step === undefined ? [] : [[step.name, step] as const])))
  return { steps: [...steps.values()], questions: questions.map(({ sql }) => sql) }
}

export function addAnswers(
  tallies: Map<Asking, Tally | 'refused'>,
  questions: readonly Question[],
  answers: readonly (readonly EngineRow[])[],
): void {
  for (const [at, { readings }] of questions.entries()) {
    const row = answers[at]?.[0]
    for (const { asking, read } of readings) {
      const before = tallies.get(asking)
      if (row === undefined || before === 'refused') tallies.set(asking, 'refused')
      else tallies.set(asking, { ...before, ...read(row) })
    }
  }
}

export function isRefused(error: unknown): boolean {
  return error instanceof SluiceError && error.code === 'QUERY_INVALID'
}

function isWhole(tally: Tally | 'refused'): boolean {
  return tally !== 'refused' && tally.offending !== undefined
}

function isCountedAlone(asking: Asking, known: Tallies): boolean {
  const { check } = asking
  const tally = known.get(asking)
  if (tally !== undefined && tally !== 'refused' && tally.considered !== undefined) return false
  return check.kind === 'rows' || (check.kind === 'query' && check.considers !== undefined)
}

function sumsOf(check: Check, at: number): string {
  const all = (check.kind === 'rows' ? check.considered : check.kind === 'query' ? check.considers : null) ?? 'true'
  const sums = [`coalesce(sum(case when ${all} then 1 else 0 end), 0) as considered_${at}`]
  if (check.kind === 'rows') {
    sums.push(`coalesce(sum(case when (${all}) and (${check.offends}) then 1 else 0 end), 0) as offending_${at}`)
  }
  return sums.join(', ')
}

function readSums({ kind }: Check, row: EngineRow, at: number): Tally {
  const considered = Number(row[`considered_${at}`])
  return kind === 'rows' ? { considered, offending: Number(row[`offending_${at}`]) } : { considered }
}

function ownSql(check: Check): string | null {
  return check.kind === 'query' ? check.counts : check.kind === 'figure' ? check.sql : null
}

function readOwn(check: Check, row: EngineRow): Tally {
  if (check.kind === 'figure') return { figure: { observed: row['observed'] ?? null, ok: row['ok'] === true } }
  const counted = row['considered'] === undefined ? {} : { considered: Number(row['considered'] ?? 0) }
  return { ...counted, offending: Number(row['offending'] ?? 0), young: Number(row['young'] ?? 0) }
}
