import type { Check } from '../check.ts'
import { presentRows, type Asked } from './kwargs.ts'

/** Checks of a row among the others: unique values and combinations, order. */

export function unique(asked: Asked): Check {
  return repeated(asked, [asked.text('column') ?? ''], `${asked.column()} is not null`)
}

export function uniqueTogether(asked: Asked): Check {
  return repeated(asked, asked.texts('column_list'), presentRows(asked))
}

/** Nulls are alike, so that a combination with a null in it can be there twice. */
function repeated(asked: Asked, names: readonly string[], present: string | null): Check {
  const columns = names.map((name) => `r.${asked.fieldNamed(name).name}`)
  const named = columns.map((column, index) => `${column} as c${index}`).join(', ')
  const groups = `select ${named}, count(*) as n ${asked.from(present)} group by ${columns.join(', ')}`
  const same = columns.map((column, index) => `${column} is not distinct from g.c${index}`).join(' and ')
  const conditions = asked.from(present, `exists (select 1 from (${groups} having count(*) > 1) g where ${same})`)
  return {
    kind: 'query',
    counts: `select coalesce(sum(n), 0) as considered, coalesce(sum(case when n > 1 then n else 0 end), 0) as offending from (${groups}) g`,
    rows: `select r.* ${conditions}`,
    unique: { columns: names, considered: asked.where(present) },
    mostly: asked.mostly,
  }
}

export function increasing(asked: Asked): Check {
  return inOrder(asked, '<')
}

export function decreasing(asked: Asked): Check {
  return inOrder(asked, '>')
}

function inOrder(asked: Asked, sign: '<' | '>'): Check {
  const groups = asked.columns('group_by')
  const order = asked.columns('order_by').map((column) => `${column} asc nulls first`)
  const by = groups.length === 0 ? '' : `partition by ${groups.join(', ')} `
  const column = asked.column()
  const offends = `${column} ${asked.flag('strictly') ? `${sign}=` : sign} r.sluice_before`
  const inner = `select r.*, lag(${column}) over (${by}order by ${order.join(', ')}) as sluice_before ${asked.from(`${column} is not null`)}`
  return {
    kind: 'query',
    counts: `select count(*) as considered, coalesce(sum(case when ${offends} then 1 else 0 end), 0) as offending from (${inner}) r`,
    rows: `select ${asked.table.fields.map(({ name }) => `r.${name}`).join(', ')} from (${inner}) r where ${offends}`,
    mostly: asked.mostly,
  }
}
