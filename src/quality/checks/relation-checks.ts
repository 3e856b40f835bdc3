import { hash } from 'node:crypto'
import { parseDuration } from '../../domain/duration.ts'
import type { RowsStep } from '../../ports/model-engine.ts'
import type { Check } from '../check.ts'
import { Impossible } from '../check.ts'
import type { BornAt } from '../judged-table.ts'
import { sqlInstant } from '../sql-literal.ts'
import { fieldOf, type Asked } from './kwargs.ts'
import { comparable } from './value-checks.ts'

/**
 * A value that the parent does not hold. Records of different topics arrive in no common order, so a row younger than
 * the grace is only told of; one whose age is not known counts as old. A key that was deleted and is kept as a deleted
 * row is no missing parent: it was there.
 */
export function referential(asked: Asked): Check {
  const { type, name } = asked.field()
  const parentName = asked.text('parent') ?? ''
  const parent = asked.table.parent(parentName)
  const parentColumn = asked.text('parent_column') ?? ''
  if (parent !== null) {
    const other = fieldOf(parent.fields, parentColumn, parentName)
    if (!comparable(type.kind, other.type.kind)) {
      throw new Impossible(
        `${name} is ${type.kind} and ${parentName}.${parentColumn} is ${other.type.kind}: they do not compare`,
      )
    }
  }
  const column = `r.${name}`
  const missing =
    parent === null ? 'true' : `not exists (select 1 from ${parent.view} p where p.${parentColumn} = ${column})`
  const from = asked.from(`${column} is not null`, missing)
  const { step, young } = ageOf(asked, from)
  const counted = ['not o.sluice_young', 'o.sluice_young'].map(
    (which) => `coalesce(sum(case when ${which} then o.sluice_rows else 0 end), 0)`,
  )
  const rows = `select r.*, ${youngSql(asked)} as sluice_young ${from}`
  return {
    kind: 'query',
    step,
    counts: `select ${counted[0]} as offending, ${counted[1]} as young from (${young}) o`,
    considers: asked.where(`${column} is not null`)!,
    rows: `select ${asked.table.fields.map((field) => `o.${field.name}`).join(', ')} from (${rows}) o where not sluice_young`,
    mostly: asked.mostly,
  }
}

/**
 * The rows without a parent, counted by what tells their age, and what says of each such group whether it is within the
 * grace. They are few as a rule: the table is gone through once for them, and their age is looked up for them alone.
 */
function ageOf(asked: Asked, from: string): { readonly step: RowsStep; readonly young: string } {
  const born = bornAt(asked)
  const told = born === null ? [] : 'view' in born ? born.same : [born.column]
  const columns = told.map((name) => `r.${name}`)
  const by = columns.length === 0 ? '' : ` group by ${columns.join(', ')}`
  const sql = `select ${[...columns, 'count(*) as sluice_rows'].join(', ')} ${from}${by}`
  const step = { name: `sluice_missing_${hash('sha256', sql).slice(0, 16)}`, sql }
  if (born === null || !('view' in born)) {
    const isYoung = born === null ? 'false' : youngerThanGrace(asked, `m.${born.column}`)
    return { step, young: `select m.sluice_rows, ${isYoung} as sluice_young from ${step.name} m` }
  }
  const same = told.map((name) => `b.${name} = m.${name}`).join(' and ')
  const groups = [...told, 'sluice_rows'].map((name) => `m.${name}`).join(', ')
  const isYoung = youngerThanGrace(asked, `max(b.${born.column})`)
  const young = `select m.sluice_rows, ${isYoung} as sluice_young from ${step.name} m left join ${born.view} b on ${same} group by ${groups}`
  return { step, young }
}

/** The same of row `r`. */
function youngSql(asked: Asked): string {
  const born = bornAt(asked)
  if (born === null) return 'false'
  if (!('view' in born)) return youngerThanGrace(asked, `r.${born.column}`)
  const same = born.same.map((name) => `b.${name} = r.${name}`).join(' and ')
  return youngerThanGrace(asked, `(select max(b.${born.column}) from ${born.view} b where ${same})`)
}

/** One whose age is not known counts as old. */
function youngerThanGrace(asked: Asked, born: string): string {
  const limit = sqlInstant(asked.table.nowMs - (parseDuration(asked.text('grace') ?? '') ?? 0))
  return `coalesce(cast(${born} as timestamp) >= ${limit}, false)`
}

function bornAt(asked: Asked): BornAt | null {
  const named = asked.text('age_column')
  if (named === null) return asked.table.bornAt
  const field = asked.fieldNamed(named)
  if (field.type.kind !== 'timestamp' && field.type.kind !== 'date') {
    throw new Impossible(`age_column ${field.name} is ${field.type.kind}, and no time`)
  }
  return { column: field.name }
}
