import type { ModelDefinition, ModelLookup, RowLookup } from '../../domain/model.ts'
import type { YamlEntry, YamlMap, YamlTree } from '../yaml/yaml-tree.ts'
import { asMap, checkKeys, columnAt, columnName, columnsAt, invalid, parseName, scalarText } from './model-yaml.ts'

/** `lookups:` — those with `dimension` take a surrogate key, those with `table` columns of a row — and `derive:`. */

interface LookupItem {
  readonly path: string
  readonly map: YamlMap
}

function itemsOf(map: YamlMap, wants: 'dimension' | 'table'): readonly LookupItem[] {
  const entry = map.entries.get('lookups')
  if (entry === undefined) return []
  if (entry.value.kind !== 'list') throw invalid('lookups is a list', entry.value.at, 'lookups')
  return entry.value.items
    .map((item, index) => ({ path: `lookups[${index}]`, map: asMap(item, `lookups[${index}]`) }))
    .filter((item) => item.map.entries.has('table') === (wants === 'table'))
}

export function parseLookups(map: YamlMap): readonly ModelLookup[] {
  return itemsOf(map, 'dimension').map(({ path, map: lookup }) => {
    checkKeys(lookup, ['dimension', 'on', 'at', 'as', 'table', 'broadcast'], `${path}.`)
    const dimension = lookup.entries.get('dimension')
    const as = columnAt(lookup, 'as', `${path}.`)
    if (dimension === undefined)
      throw invalid('a lookup names its dimension, or a table', lookup.at, `${path}.dimension`)
    const on = pairsAt(lookup, 'on', path)
    if (on.length === 0) throw invalid('a lookup says by which columns', lookup.at, `${path}.on`)
    if (as === null) throw invalid('a lookup names the column that it gives', lookup.at, `${path}.as`)
    return {
      dimension: parseName(scalarText(dimension, `${path}.dimension`), dimension.value.at, `${path}.dimension`),
      on: on.map(([fact, other]) => ({ fact, dimension: other })),
      at: columnAt(lookup, 'at', `${path}.`),
      as,
      ...broadcastAt(lookup, path),
    }
  })
}

export function parseRowLookups(map: YamlMap): readonly RowLookup[] {
  return itemsOf(map, 'table').map(({ path, map: lookup }) => {
    checkKeys(lookup, ['table', 'on', 'at', 'tie_break', 'take', 'warn_if_none', 'broadcast'], `${path}.`)
    const table = lookup.entries.get('table')!
    const on = pairsAt(lookup, 'on', path)
    if (on.length === 0) throw invalid('a lookup says by which columns', lookup.at, `${path}.on`)
    const at = pairsAt(lookup, 'at', path)
    if (at.length > 1) throw invalid('a lookup goes by one time', lookup.at, `${path}.at`)
    const take = pairsAt(lookup, 'take', path)
    if (take.length === 0) throw invalid('a lookup says which columns it takes', lookup.at, `${path}.take`)
    const tieBreak = columnsAt(lookup, 'tie_break', `${path}.`)
    if (at.length === 0 && tieBreak.length > 0) {
      throw invalid('tie_break means nothing without at', lookup.at, `${path}.tie_break`)
    }
    return {
      table: parseName(scalarText(table, `${path}.table`), table.value.at, `${path}.table`),
      on: on.map(([own, other]) => ({ own, other })),
      at: at.map(([own, other]) => ({ own, other }))[0] ?? null,
      tieBreak,
      take: take.map(([column, as]) => ({ column, as })),
      warnsIfNone: flagAt(lookup, 'warn_if_none', path),
      ...broadcastAt(lookup, path),
    }
  })
}

export function parseDerive(map: YamlMap): ModelDefinition['derive'] {
  const entry = map.entries.get('derive')
  if (entry === undefined) return []
  return [...asMap(entry.value, 'derive').entries].map(([name, each]) => ({
    name: columnName(name, each.keyAt, 'derive'),
    sql: scalarText(each, `derive.${name}`),
  }))
}

/** `{a: b}`: pairs of columns. */
function pairsAt(map: YamlMap, key: string, path: string): readonly (readonly [string, string])[] {
  const entry: YamlEntry | undefined = map.entries.get(key)
  if (entry === undefined) return []
  const tree: YamlTree = entry.value
  return [...asMap(tree, `${path}.${key}`).entries].map(([left, right]) => [
    columnName(left, right.keyAt, `${path}.${key}`),
    columnName(scalarText(right, `${path}.${key}.${left}`), right.value.at, `${path}.${key}.${left}`),
  ])
}

/** Absent where the model says nothing: then the table's size decides. */
function broadcastAt(lookup: YamlMap, path: string): { readonly broadcast?: boolean } {
  return lookup.entries.has('broadcast') ? { broadcast: flagAt(lookup, 'broadcast', path) } : {}
}

function flagAt(map: YamlMap, key: string, path: string): boolean {
  const entry = map.entries.get(key)
  if (entry === undefined) return false
  const text = scalarText(entry, `${path}.${key}`)
  if (text === 'true' || text === 'false') return text === 'true'
  throw invalid(`${key} is true or false`, entry.value.at, `${path}.${key}`)
}
