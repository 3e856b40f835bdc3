import type { ModelDefinition } from '../../domain/model.ts'
import { changesSql, greatestFirst } from './changes.ts'
import { rankedSql } from './merge.ts'
import { trackedColumns } from './result-shape.ts'
import type { ResultShape } from './result-shape.ts'
import { surrogateKeySql } from './surrogate-key.ts'

/**
 * Every version of every key in `source`. Of the changes of a key at one time the greatest stands. A version opens
 * where a tracked column differs from the change before, or where that was a deletion; it ends where the next opens
 * or at a deletion. Changes without a time are left out. Must be given a key's whole history.
 */
export function versionsSql(model: ModelDefinition, shape: ResultShape, source: string): string {
  const key = model.key.join(', ')
  const tracked = trackedColumns(model, shape.own)
  const perTime = rankedSql([...model.key, '_sequence'], greatestFirst(model), changesSql(model, shape, source))
  const history = `partition by ${key} order by _sequence`
  const before = [
    `lag(_sequence) over (${history}) as sluice_before`,
    `lag(_deleted) over (${history}) as sluice_was_deleted`,
    ...tracked.map((name, index) => `lag(${name}) over (${history}) as sluice_was_${index}`),
  ]
  const changes = `select one.*, ${before.join(', ')} from (${perTime}) one where sluice_rank = 1 and _sequence is not null`
  const differs = [
    'sluice_before is null',
    'sluice_was_deleted',
    ...tracked.map((name, index) => `${name} is distinct from sluice_was_${index}`),
  ]
  const bounds = `(not _deleted and (${differs.join(' or ')})) or (_deleted and sluice_before is not null and not sluice_was_deleted)`
  const ends = `select bound.*, lead(_sequence) over (${history}) as sluice_end from (${changes}) bound where ${bounds}`
  const surrogate =
    model.surrogateKey === null ? [] : [`${surrogateKeySql(model.key, '_sequence')} as ${model.surrogateKey}`]
  const columns = [
    ...surrogate,
    ...model.key,
    ...tracked,
    '_sequence as valid_from',
    'sluice_end as valid_to',
    'case when sluice_end is null then true else false end as is_current',
  ]
  return `select ${columns.join(', ')} from (${ends}) version where not _deleted`
}
