import { parseDuration } from '../../domain/duration.ts'
import type { Check } from '../check.ts'
import { Impossible } from '../check.ts'
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
  const inner = `select r.*, ${ageSql(asked)} as sluice_old ${asked.from(`${column} is not null`, missing)}`
  const counted = ['sluice_old', 'not sluice_old'].map(
    (which) => `coalesce(sum(case when ${which} then 1 else 0 end), 0)`,
  )
  return {
    kind: 'query',
    counts: `select ${counted[0]} as offending, ${counted[1]} as young from (${inner}) o`,
    considers: asked.where(`${column} is not null`)!,
    rows: `select ${asked.table.fields.map((field) => `o.${field.name}`).join(', ')} from (${inner}) o where sluice_old`,
    mostly: asked.mostly,
  }
}

/** True where the row is past the grace. */
function ageSql(asked: Asked): string {
  const named = asked.text('age_column')
  const field = named === null ? null : asked.fieldNamed(named)
  if (field !== null && field.type.kind !== 'timestamp' && field.type.kind !== 'date') {
    throw new Impossible(`age_column ${field.name} is ${field.type.kind}, and no time`)
  }
  const born = field === null ? asked.table.bornAt : `r.${field.name}`
  if (born === null) return 'true'
  const limit = sqlInstant(asked.table.nowMs - (parseDuration(asked.text('grace') ?? '') ?? 0))
  return `coalesce(cast(${born} as timestamp) < ${limit}, true)`
}
