import { SluiceError } from '../../domain/errors.ts'
import { formatTableName } from '../../domain/identifier.ts'
import type { ModelDefinition, ModelLookup } from '../../domain/model.ts'
import type { ResultShape } from './result-shape.ts'
import { UNKNOWN_MEMBER, surrogateKeySql } from './surrogate-key.ts'

/** A lookup with what is known of its dimension. */
export interface Lookup extends ModelLookup {
  readonly model: ModelDefinition
  readonly surrogateKey: string
  /** The dimension has versions: the lookup goes by time. */
  readonly isVersioned: boolean
}

/** Pure. Throws MODEL_INVALID where a lookup does not fit its dimension. */
export function readLookups(fact: ModelDefinition, models: ReadonlyMap<string, ModelDefinition>): readonly Lookup[] {
  return fact.lookups.map((lookup) => {
    const name = formatTableName(lookup.dimension)
    const model = models.get(name)
    if (model === undefined) throw invalid(fact, `lookups: ${name} is no model`, 'TABLE_UNKNOWN')
    if (model.surrogateKey === null) throw invalid(fact, `lookups: ${name} has no surrogate_key`)
    const by = lookup.on.map((pair) => pair.dimension)
    if (by.length !== model.key.length || model.key.some((column) => !by.includes(column))) {
      throw invalid(fact, `lookups: ${name} is looked up by its whole key: ${model.key.join(', ')}`)
    }
    const isVersioned = model.kind === 'scd2'
    if (isVersioned !== (lookup.at !== null)) {
      throw invalid(
        fact,
        isVersioned
          ? `lookups: ${name} has versions, so the lookup needs \`at\`: the fact's column with the time`
          : `lookups: ${name} has no versions, so \`at\` means nothing`,
      )
    }
    return { ...lookup, model, surrogateKey: model.surrogateKey, isVersioned }
  })
}

/** The rows with the model's own surrogate key, and those of its dimensions as of the row's time; '-1' where none is. */
export function withKeysSql(
  model: ModelDefinition,
  { shape, lookups, view }: { shape: ResultShape; lookups: readonly Lookup[]; view: (table: string) => string },
  rows: string,
): string {
  if (model.surrogateKey === null && lookups.length === 0) return rows
  const qualified = model.key.map((column) => `r.${column}`)
  const columns = shape.stored.map(({ name }) => {
    if (name === model.surrogateKey) return `${surrogateKeySql(qualified, null)} as ${name}`
    const index = lookups.findIndex((lookup) => lookup.as === name)
    if (index < 0) return `r.${name}`
    const found = `coalesce(d${index}.${lookups[index]!.surrogateKey}, '${UNKNOWN_MEMBER}')`
    return `${shape.isChanges ? `case when r._deleted then null else ${found} end` : found} as ${name}`
  })
  const joins = lookups.map((lookup, index) => {
    const d = `d${index}`
    const on = lookup.on.map((pair) => `${d}.${pair.dimension} = r.${pair.fact}`)
    if (lookup.at !== null) {
      const at = `cast(r.${lookup.at} as timestamp)`
      on.push(`${d}.valid_from <= ${at}`, `${at} < ${d}.sluice_until`)
    }
    return ` left join ${membersSql(lookup, view)} ${d} on ${on.join(' and ')}`
  })
  return `select ${columns.join(', ')} from (${rows}) r${joins.join('')}`
}

/**
 * The end of a current version in joins: with `or valid_to is null` in its place DuckDB 1.5 takes twenty times as
 * long. A fact of that very moment or later takes the unknown member.
 */
const END_OF_TIME = "timestamp '9999-12-31 23:59:59.999999'"

/** The columns of a dimension that decide which member a fact has; the unknown member is never found by its key. */
export function memberColumns(lookup: Lookup): readonly string[] {
  return [lookup.surrogateKey, ...lookup.model.key, ...(lookup.isVersioned ? ['valid_from', 'valid_to'] : [])]
}

/**
 * Spans of time, a key, in which a fact may have another member than before, now that versions came and went: of a
 * version that only ends elsewhere, what lies between its two ends; else the whole version.
 */
export function movedSpansSql(lookup: Lookup, view: (side: 'added' | 'removed') => string): string {
  const columns = [lookup.surrogateKey, ...lookup.model.key, 'valid_from']
  const rows = (side: 'added' | 'removed', sign: string): string =>
    `select ${columns.join(', ')}, coalesce(valid_to, ${END_OF_TIME}) as sluice_until, ${sign} as sluice_side from ${view(side)} m where ${lookup.surrogateKey} <> '${UNKNOWN_MEMBER}'`
  const from = `case when count(*) = 2 and sum(sluice_side) = 0 then min(sluice_until) else valid_from end`
  return (
    `select ${lookup.model.key.join(', ')}, ${from} as sluice_from, max(sluice_until) as sluice_until` +
    ` from (${rows('added', '1')} union all ${rows('removed', '-1')}) sides group by ${columns.join(', ')}` +
    ` having count(*) <> 2 or sum(sluice_side) <> 0 or min(sluice_until) <> max(sluice_until)`
  )
}

function membersSql(lookup: Lookup, view: (table: string) => string): string {
  const until = lookup.isVersioned ? `, coalesce(valid_to, ${END_OF_TIME}) as sluice_until` : ''
  return `(select ${memberColumns(lookup).join(', ')}${until} from ${view(formatTableName(lookup.dimension))} where ${lookup.surrogateKey} <> '${UNKNOWN_MEMBER}')`
}

function invalid(
  fact: ModelDefinition,
  message: string,
  code: 'MODEL_INVALID' | 'TABLE_UNKNOWN' = 'MODEL_INVALID',
): SluiceError {
  return new SluiceError(code, message, {
    where: { file: fact.yamlFile, model: formatTableName(fact), key: 'lookups' },
  })
}
