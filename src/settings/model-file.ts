import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../domain/errors.ts'
import { LAYERS } from '../domain/identifier.ts'
import type { Layer, TableName } from '../domain/identifier.ts'
import { MODEL_KINDS } from '../domain/model.ts'
import type { ModelDefinition, ModelKind } from '../domain/model.ts'
import { suggestion } from '../domain/nearest-word.ts'
import { parseYaml } from './yaml/yaml-tree.ts'
import { parseDerive, parseLookups, parseRowLookups } from './models/model-lookups.ts'
import { asMap, checkKeys, columnAt, columnsAt, invalid, parseName, scalarText, textAt } from './models/model-yaml.ts'
import type { YamlMap } from './yaml/yaml-tree.ts'

/**
 * Every model below a folder, by name: `silver/orders.sql` with `silver/orders.yaml` is silver.orders; a calendar has
 * no SQL. A folder that does not exist holds no models. Throws YAML_INVALID, MODEL_INVALID or FILE_UNREADABLE with
 * file, line and key.
 */
export function loadModels(folder: string): readonly ModelDefinition[] {
  const models: ModelDefinition[] = []
  for (const layer of LAYERS) {
    const names = listFiles(join(folder, layer))
    for (const name of names) {
      if (!/\.(sql|ya?ml)$/.test(name) || name.startsWith('.')) continue
      if (layer === 'bronze') {
        throw new SluiceError('MODEL_INVALID', 'bronze tables are landed by ingest; models are silver or gold', {
          where: { file: join(folder, layer, name) },
        })
      }
    }
    const yamls = names.filter((name) => /\.ya?ml$/.test(name))
    const sqls = new Set(names.filter((name) => name.endsWith('.sql')))
    for (const name of yamls) {
      const stem = name.replace(/\.ya?ml$/, '')
      const twin = sqls.delete(`${stem}.sql`)
      models.push(loadModel({ folder: join(folder, layer), layer, stem, yaml: name, hasSql: twin }))
    }
    for (const name of sqls) {
      throw new SluiceError('MODEL_INVALID', `${name} has no twin ${name.replace(/\.sql$/, '.yaml')} beside it`, {
        where: { file: join(folder, layer, name) },
        hint: 'Write a YAML file of the same name that says at least `kind: full`.',
      })
    }
  }
  return models
}

interface ModelPlace {
  readonly folder: string
  readonly layer: Layer
  readonly stem: string
  readonly yaml: string
  readonly hasSql: boolean
}

function loadModel({ folder, layer, stem, yaml, hasSql }: ModelPlace): ModelDefinition {
  const yamlFile = join(folder, yaml)
  const sqlFile = join(folder, `${stem}.sql`)
  const name = parseName(`${layer}.${stem}`, { file: yamlFile, line: null }, null)
  return parseModel({ name, yaml: readText(yamlFile), yamlFile, sql: hasSql ? readText(sqlFile) : null, sqlFile })
}

export interface ModelTexts {
  readonly name: TableName
  readonly yaml: string
  readonly yamlFile: string
  /** Null where there is no SQL twin. */
  readonly sql: string | null
  readonly sqlFile: string
}

const KEYS: Readonly<Record<string, readonly ModelKind[]>> = {
  kind: MODEL_KINDS,
  description: MODEL_KINDS,
  partition_by: MODEL_KINDS,
  key: ['merge', 'scd2'],
  sequence_by: ['merge', 'scd2'],
  tie_break: ['merge', 'scd2'],
  surrogate_key: ['merge', 'scd2'],
  track: ['scd2'],
  lookups: ['merge'],
  derive: ['merge'],
  over: ['calendar'],
  // read by `loadModelTests`: they decide no rows
  tests: MODEL_KINDS,
}

/** Pure. */
export function parseModel({ name, yaml, yamlFile, sql, sqlFile }: ModelTexts): ModelDefinition {
  const map = asMap(parseYaml(yaml, yamlFile), null)
  checkKeys(map, Object.keys(KEYS), '')
  const kind = parseKind(map)
  for (const [key, entry] of map.entries) {
    if (KEYS[key]?.includes(kind) === false) {
      throw invalid(`${key} means nothing in a model of kind ${kind}`, entry.keyAt, key)
    }
  }
  if (kind === 'calendar' && sql !== null) {
    throw new SluiceError('MODEL_INVALID', 'a calendar is generated and has no SQL', { where: { file: sqlFile } })
  }
  if (kind !== 'calendar' && sql === null) {
    throw new SluiceError('MODEL_INVALID', `the model has no SQL beside it`, {
      where: { file: sqlFile },
      hint: `Write the SELECT into ${sqlFile}.`,
    })
  }
  const definition: ModelDefinition = {
    ...name,
    kind,
    description: textAt(map, 'description'),
    sql: sql ?? '',
    sqlFile,
    yamlFile,
    key: columnsAt(map, 'key'),
    sequenceBy: columnAt(map, 'sequence_by'),
    tieBreak: columnsAt(map, 'tie_break'),
    track: columnsAt(map, 'track'),
    surrogateKey: columnAt(map, 'surrogate_key'),
    lookups: parseLookups(map),
    rowLookups: parseRowLookups(map),
    derive: parseDerive(map),
    partitionBy: columnsAt(map, 'partition_by'),
    over: parseOver(map),
  }
  checkWanted(definition, map)
  return definition
}

function checkWanted(model: ModelDefinition, map: YamlMap): void {
  const wanted: string[] = []
  if (model.kind === 'merge') wanted.push('key')
  if (model.kind === 'scd2') wanted.push('key', 'sequence_by', 'surrogate_key')
  if (model.kind === 'calendar') wanted.push('over')
  for (const key of wanted) {
    const entry = map.entries.get(key)
    if (entry === undefined || (entry.value.kind === 'list' && entry.value.items.length === 0)) {
      throw invalid(`a model of kind ${model.kind} needs ${key}`, entry?.keyAt ?? map.at, key)
    }
  }
  const names = new Map<string, string>()
  for (const [key, columns] of [
    ['key', model.key],
    ['surrogate_key', model.surrogateKey === null ? [] : [model.surrogateKey]],
    ['track', model.track],
    ['sequence_by', model.sequenceBy === null ? [] : [model.sequenceBy]],
    ['lookups', model.lookups.map((lookup) => lookup.as)],
  ] as const) {
    for (const column of columns) {
      const other = names.get(column)
      if (other !== undefined) {
        throw invalid(`${column} is named twice: in ${other} and in ${key}`, map.entries.get(key)?.keyAt ?? map.at, key)
      }
      names.set(column, key)
    }
  }
}

function parseKind(map: YamlMap): ModelKind {
  const entry = map.entries.get('kind')
  if (entry === undefined) throw invalid(`kind is missing: one of ${MODEL_KINDS.join(', ')}`, map.at, 'kind')
  const text = scalarText(entry, 'kind')
  const kind = MODEL_KINDS.find((each) => each === text)
  if (kind === undefined) {
    throw invalid(
      `${text} is no kind of model${suggestion(text, MODEL_KINDS)}; there are ${MODEL_KINDS.join(', ')}`,
      entry.value.at,
      'kind',
    )
  }
  return kind
}

function parseOver(map: YamlMap): ModelDefinition['over'] {
  const entry = map.entries.get('over')
  if (entry === undefined) return null
  const over = asMap(entry.value, 'over')
  checkKeys(over, ['table', 'column'], 'over.')
  const table = over.entries.get('table')
  const column = columnAt(over, 'column', 'over.')
  if (table === undefined) throw invalid('over.table is missing', over.at, 'over.table')
  if (column === null) throw invalid('over.column is missing', over.at, 'over.column')
  return { table: parseName(scalarText(table, 'over.table'), table.value.at, 'over.table'), column }
}

function listFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => entry.name)
      .toSorted()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw unreadable(folder, error)
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw unreadable(file, error)
  }
}

function unreadable(file: string, cause: unknown): SluiceError {
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  return new SluiceError('FILE_UNREADABLE', `${file} cannot be read (${reason})`, { where: { file }, cause })
}
