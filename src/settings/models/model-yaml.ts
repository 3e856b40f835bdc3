import { SluiceError } from '../../domain/errors.ts'
import { checkColumnName, isLayer, parseTableName } from '../../domain/identifier.ts'
import type { TableName } from '../../domain/identifier.ts'
import { suggestion } from '../../domain/nearest-word.ts'
import type { YamlEntry, YamlMap, YamlPlace, YamlTree } from '../yaml/yaml-tree.ts'

/** What the parts of a model's YAML are made of, each refused with file, line and key. */

export function checkKeys(map: YamlMap, known: readonly string[], path: string): void {
  for (const [key, entry] of map.entries) {
    if (!known.includes(key)) {
      throw invalid(`${path}${key} is no key of a model${suggestion(key, known)}`, entry.keyAt, `${path}${key}`)
    }
  }
}

export function asMap(tree: YamlTree, key: string | null): YamlMap {
  if (tree.kind !== 'map') throw invalid(`${key ?? 'a model'} is a map of keys to values`, tree.at, key)
  return tree
}

export function textAt(map: YamlMap, key: string): string | null {
  const entry = map.entries.get(key)
  return entry === undefined ? null : scalarText(entry, key)
}

export function columnAt(map: YamlMap, key: string, path = ''): string | null {
  const entry = map.entries.get(key)
  return entry === undefined ? null : columnName(scalarText(entry, path + key), entry.value.at, path + key)
}

/** One name, or a list of them. */
export function columnsAt(map: YamlMap, key: string, path = ''): readonly string[] {
  const entry = map.entries.get(key)
  if (entry === undefined) return []
  const place = path + key
  if (entry.value.kind !== 'list') return [columnName(scalarText(entry, place), entry.value.at, place)]
  const columns = entry.value.items.map((item) => {
    if (item.kind !== 'scalar') throw invalid(`${key} is a list of columns`, item.at, place)
    return columnName(item.text, item.at, place)
  })
  if (new Set(columns).size !== columns.length) throw invalid(`${key} names a column twice`, entry.keyAt, place)
  return columns
}

export function scalarText(entry: YamlEntry, key: string): string {
  if (entry.value.kind !== 'scalar' || entry.value.type === 'null' || entry.value.text === '') {
    throw invalid(`${key} needs a value`, entry.keyAt, key)
  }
  return entry.value.text
}

export function columnName(text: string, at: YamlPlace, key: string): string {
  try {
    return checkColumnName(text)
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error), at, key)
  }
}

export function parseName(text: string, at: YamlPlace, key: string | null): TableName {
  const [layer] = text.split('.')
  try {
    if (isLayer(layer)) return parseTableName(text)
  } catch {
    // told below with file and line
  }
  throw invalid(
    `${JSON.stringify(text)} is not a table name such as bronze.orders, silver.orders or gold.dim_customer`,
    at,
    key,
  )
}

export function invalid(message: string, at: YamlPlace, key: string | null): SluiceError {
  return new SluiceError('MODEL_INVALID', message, {
    where: { file: at.file, ...(at.line === null ? {} : { line: at.line }), ...(key === null ? {} : { key }) },
  })
}
