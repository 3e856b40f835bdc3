import { hash } from 'node:crypto'
import type { EngineInput, ModelEngine } from '../ports/model-engine.ts'
import type { Check } from './check.ts'
import { compileCheck } from './compile-check.ts'
import { addAnswers, askedOf, isRefused, questionsOf, type Asking, type Tallies, type Tally } from './count-checks.ts'
import type { JudgedTable } from './judged-table.ts'

/** Rows that count and rows that offend, of one check. */
export interface Count {
  readonly considered: number
  readonly offending: number
}

/** Of a table as it was, by `countKey`. */
export type Counts = ReadonlyMap<string, Count>

/** What is known of a table before, and by which rows it differs from that now. */
export interface Since {
  readonly counts: Counts
  /** Of the table whole, by its files. */
  readonly rows: { readonly before: number; readonly after: number }
  readonly inputs: readonly EngineInput[]
  /** Views of `inputs`: rows that the table holds and did not, and that it held and does not. */
  readonly added: string
  readonly removed: string
  /** Those of a view that readers see. */
  readonly visible: (view: string) => string
  /** No row that stayed has the values of these columns that an added row has; empty where nothing says so. */
  readonly key: readonly string[]
}

/** Names what is counted, whatever the expectation asks of it. Null for what cannot be told from changed rows. */
export function countKey(check: Check): string | null {
  if (check.kind === 'rows') return digest(['rows', check.considered, check.offends])
  if (check.kind !== 'query') return null
  if (check.unique !== undefined) return digest(['unique', check.counts])
  return check.considers === undefined ? null : digest(['considered', check.considers])
}

/**
 * Counts a table by what it was and by the rows that came and went: as if all of it were counted, since a row alone
 * counts the same wherever it stands. What was unique stays so if the added rows are among themselves, where their key
 * is part of the columns. What this leaves open is counted over the whole table: a check that was not counted before,
 * one that other tables bear on, values that are there twice; and everything, if the rows do not add up.
 */
export async function countChanges(
  { engine, table }: { readonly engine: Pick<ModelEngine, 'ask'>; readonly table: JudgedTable },
  since: Since,
  asked: readonly Asking[],
): Promise<Tallies> {
  const open = asked.flatMap((asking): Open[] => {
    const before = since.counts.get(countKey(asking.check) ?? '')
    return before === undefined || !mayStay(asking.check, before, since.key) ? [] : [{ asking, before }]
  })
  if (open.length === 0) return new Map()
  const all = (check: Check): Asking => ({ expectation: open[0]!.asking.expectation, check })
  const sides = [since.added, since.removed].map((view): Side => {
    const rows = all({ kind: 'rows', considered: null, offends: 'false', mostly: 1 })
    const counted = open.map(({ asking }) => ({ ...asking, check: aloneOf(asking.check) }))
    return {
      rows,
      counted,
      questions: [...questionsOf(view, [rows], NONE), ...questionsOf(since.visible(view), counted, NONE)],
    }
  })
  const within = { ...table, view: since.visible(since.added) }
  const twice = open.map(({ asking: { expectation, check } }) =>
    check.kind === 'query' && check.unique !== undefined
      ? { expectation, check: compileCheck(within, expectation) }
      : null,
  )
  const repeats = questionsOf(
    within.view,
    twice.filter((each) => each !== null),
    NONE,
  )
  const questions = [...sides.flatMap((side) => side.questions), ...repeats]
  const tallies = new Map<Asking, Tally | 'refused'>()
  try {
    addAnswers(tallies, questions, await engine.ask({ inputs: since.inputs, ...askedOf(questions) }))
  } catch (error) {
    if (!isRefused(error)) throw error
    return new Map()
  }
  const [added, removed] = sides as [Side, Side]
  if (since.rows.before + rowsOf(tallies, added.rows) - rowsOf(tallies, removed.rows) !== since.rows.after)
    return new Map()
  return new Map(
    open.flatMap(({ asking, before }, at) => {
      const repeated = twice[at] ?? null
      if (repeated !== null && countOf(tallies, repeated).offending > 0) return []
      const came = countOf(tallies, added.counted[at]!)
      const went = countOf(tallies, removed.counted[at]!)
      const now = {
        considered: before.considered + came.considered - went.considered,
        offending: before.offending + came.offending - went.offending,
      }
      return isCount(now) ? [[asking, tallyOf(asking.check, now)] as const] : []
    }),
  )
}

/** What of the tallies tells the next time. */
export function countsOf(tallies: Tallies): Counts {
  const counts = new Map<string, Count>()
  for (const [{ check }, tally] of tallies) {
    const key = countKey(check)
    if (key === null || tally === 'refused' || tally.considered === undefined || tally.offending === undefined) continue
    counts.set(key, {
      considered: tally.considered,
      offending: check.kind === 'rows' || isUnique(check) ? tally.offending : 0,
    })
  }
  return counts
}

interface Open {
  readonly asking: Asking
  readonly before: Count
}

interface Side {
  readonly rows: Asking
  readonly counted: readonly Asking[]
  readonly questions: ReturnType<typeof questionsOf>
}

const NONE: Tallies = new Map()

/** What each row alone tells of a check. */
function aloneOf(check: Check): Check {
  if (check.kind !== 'query') return check
  const considered = check.unique === undefined ? (check.considers ?? null) : check.unique.considered
  return { kind: 'rows', considered, offends: 'false', mostly: 1 }
}

function mayStay(check: Check, before: Count, key: readonly string[]): boolean {
  if (check.kind !== 'query' || check.unique === undefined) return true
  const { columns } = check.unique
  return before.offending === 0 && key.length > 0 && key.every((name) => columns.includes(name))
}

function isUnique(check: Check): boolean {
  return check.kind === 'query' && check.unique !== undefined
}

/** Which rows of a relation offend is open still. */
function tallyOf(check: Check, { considered, offending }: Count): Tally {
  return check.kind === 'rows' || isUnique(check) ? { considered, offending, young: 0 } : { considered }
}

function rowsOf(tallies: Tallies, asking: Asking): number {
  return countOf(tallies, asking).considered
}

function countOf(tallies: Tallies, asking: Asking): Count {
  const tally = tallies.get(asking)
  if (tally === undefined || tally === 'refused') return { considered: Number.NaN, offending: Number.NaN }
  return { considered: tally.considered ?? Number.NaN, offending: tally.offending ?? Number.NaN }
}

function isCount({ considered, offending }: Count): boolean {
  return (
    Number.isSafeInteger(considered) && Number.isSafeInteger(offending) && offending >= 0 && considered >= offending
  )
}

function digest(parts: readonly (string | null)[]): string {
  return hash('sha256', JSON.stringify(parts)).slice(0, 16)
}
