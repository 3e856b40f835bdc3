import type { Check } from '../check.ts'
import { Impossible } from '../check.ts'
import type { Asked } from './kwargs.ts'

/** Checks of SCD2 tables: `valid_from ≤ t < valid_to`, null while current. The unknown member, without a key, is left out. */

/** A gap that a deletion made is none: the deletion stands at the instant where the version before it ends. */
export function noGaps(asked: Asked): Check {
  const { from, to, key, versions } = read(asked)
  const { deletions } = asked.table
  const deleted =
    deletions === null
      ? ''
      : ` and not exists (select 1 from (${deletions}) d where ${key.map((name) => `d.${name} = v.${name}`).join(' and ')} and d._sequence = v.${to})`
  return check(asked, versions, `v.sluice_next is not null and v.${to} < v.sluice_next${deleted}`, from)
}

export function noOverlaps(asked: Asked): Check {
  const { from, to, versions } = read(asked)
  const offends = `v.${from} is null or coalesce(v.${to} <= v.${from}, false) or (v.sluice_next is not null and (v.${to} is null or v.${to} > v.sluice_next))`
  return check(asked, versions, offends, from)
}

interface Versions {
  readonly key: readonly string[]
  readonly from: string
  readonly to: string
  readonly versions: string
}

function read(asked: Asked): Versions {
  const named = asked.texts('key')
  const key = (named.length > 0 ? named : asked.table.key).map((name) => asked.fieldNamed(name).name)
  if (key.length === 0) throw new Impossible('the table has no key; name it in kwarg key')
  const from = asked.fieldNamed(asked.text('valid_from') ?? 'valid_from').name
  const to = asked.fieldNamed(asked.text('valid_to') ?? 'valid_to').name
  const by = key.map((name) => `r.${name}`).join(', ')
  const whole = key.map((name) => `r.${name} is not null`).join(' and ')
  const next = `lead(r.${from}) over (partition by ${by} order by r.${from} asc nulls first)`
  return { key, from, to, versions: `select r.*, ${next} as sluice_next ${asked.from(whole)}` }
}

function check(asked: Asked, versions: string, offends: string, from: string): Check {
  return {
    kind: 'query',
    counts: `select (select count(*) from (${versions}) v) as considered, (select count(*) from (${versions}) v where ${offends}) as offending`,
    rows: `select ${asked.table.fields.map(({ name }) => `v.${name}`).join(', ')} from (${versions}) v where ${offends} order by v.${from}`,
    mostly: asked.mostly,
  }
}
