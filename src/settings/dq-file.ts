import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SluiceError } from '../domain/errors.ts'
import { ExactNumber, type ExactJson } from '../domain/exact-json.ts'
import { DEFAULT_GRACE, EXPECTATIONS } from '../domain/expectation-declarations.ts'
import { labelOf, type Expectation, type Severity, type Suite } from '../domain/expectation.ts'
import { isLayer, parseTableName } from '../domain/identifier.ts'
import { suggestion } from '../domain/nearest-word.ts'
import { checkExpectation } from './dq/check-expectation.ts'
import { parseYaml, type YamlEntry, type YamlMap, type YamlPlace, type YamlTree } from './yaml/yaml-tree.ts'

/** Beside the file of the suites: the bounds that several of them share. */
export const THRESHOLDS_FILE = 'dq_thresholds.yaml'
const GRACE = 'referential_grace'
const SEVERITIES: readonly Severity[] = ['critical', 'warn']

/** By `layer.table`. */
export type Suites = ReadonlyMap<string, Suite>

/**
 * The suites of a project; none where there is no file. Throws YAML_INVALID, SETTINGS_INVALID or FILE_UNREADABLE with
 * file, line and key.
 */
export function loadSuites(file: string | null): Suites {
  const yaml = file === null ? null : readIfThere(file)
  if (file === null || yaml === null) return new Map()
  const thresholdsFile = join(dirname(file), THRESHOLDS_FILE)
  return parseSuites({ yaml, file, thresholds: readIfThere(thresholdsFile) ?? '', thresholdsFile })
}

export interface DqTexts {
  readonly yaml: string
  readonly file: string
  readonly thresholds: string
  readonly thresholdsFile: string
}

/** Pure. */
export function parseSuites({ yaml, file, thresholds, thresholdsFile }: DqTexts): Suites {
  const shared = parseThresholds(thresholds, thresholdsFile)
  const suites = new Map<string, Suite>()
  for (const [name, entry] of asMap(parseYaml(yaml, file), 'the file of suites').entries) {
    const table = tableName(name, entry.keyAt)
    if (suites.has(table)) throw invalid(`${table} has two suites`, entry.keyAt, table)
    suites.set(table, { table, expectations: parseSuite(table, entry, shared) })
  }
  return suites
}

function parseSuite(table: string, entry: YamlEntry, shared: Thresholds): readonly Expectation[] {
  if (isEmpty(entry.value)) return []
  const lists = asMap(entry.value, `the suite of ${table}`, table)
  for (const [key, { keyAt }] of lists.entries) {
    if (!SEVERITIES.some((each) => each === key)) {
      throw invalid(
        `a suite has critical and warn, and no ${key}${suggestion(key, SEVERITIES)}`,
        keyAt,
        `${table}.${key}`,
      )
    }
  }
  const expectations: Expectation[] = []
  for (const severity of SEVERITIES) {
    const list = lists.entries.get(severity)
    if (list === undefined || isEmpty(list.value)) continue
    const key = `${table}.${severity}`
    if (list.value.kind !== 'list') throw invalid(`${key} is a list of expectations`, list.keyAt, key)
    for (const item of list.value.items) {
      const expectation = parseExpectation(item, { severity, key, shared })
      const twin = expectations.find((each) => each.severity === severity && same(each, expectation))
      if (twin !== undefined) throw invalid(`${labelOf(expectation)} stands twice in ${key}`, item.at, key)
      expectations.push(expectation)
    }
  }
  return expectations
}

interface ListPlace {
  readonly severity: Severity
  readonly key: string
  readonly shared: Thresholds
}

function parseExpectation(item: YamlTree, { severity, key, shared }: ListPlace): Expectation {
  const at = { file: item.at.file, line: item.at.line ?? 1 }
  if (item.kind === 'scalar' && item.type === 'text')
    return checked({ type: item.text, kwargs: {}, severity, at }, item.at, key)
  if (item.kind !== 'map' || item.entries.size !== 1) {
    throw invalid(`an expectation is written - name: {kwargs}`, item.at, key)
  }
  const [[type, entry]] = [...item.entries] as [[string, YamlEntry]]
  const kwargs = isEmpty(entry.value) ? null : asMap(entry.value, `the kwargs of ${type}`, `${key}.${type}`)
  const known = kwargsOf(type)
  const values: Record<string, ExactJson> = {}
  const places = new Map<string, YamlPlace>()
  for (const [name, kwarg] of kwargs?.entries ?? []) {
    places.set(name, kwarg.keyAt)
    values[name] = valueOf(kwarg.value, { shared, key: `${key}.${type}.${name}`, referable: known[name] !== 'names' })
  }
  if ('grace' in known && values['grace'] === undefined) {
    values['grace'] = shared.values.get(GRACE) ?? DEFAULT_GRACE
  }
  return checked({ type, kwargs: values, severity, at }, entry.keyAt, key, places)
}

function checked(
  expectation: Expectation,
  at: YamlPlace,
  key: string,
  places: ReadonlyMap<string, YamlPlace> = new Map(),
): Expectation {
  const misfit = checkExpectation(expectation.type, expectation.kwargs)
  if (misfit === null) return expectation
  const { kwarg } = misfit
  const path = kwarg === null ? `${key}.${expectation.type}` : `${key}.${expectation.type}.${kwarg}`
  throw invalid(misfit.message, (kwarg === null ? undefined : places.get(kwarg)) ?? at, path)
}

function kwargsOf(type: string): Readonly<Record<string, string>> {
  const declared = Object.hasOwn(EXPECTATIONS, type) ? EXPECTATIONS[type] : undefined
  return { ...declared?.required, ...declared?.optional }
}

interface Thresholds {
  readonly file: string
  readonly values: ReadonlyMap<string, ExactJson>
}

function parseThresholds(yaml: string, file: string): Thresholds {
  const values = new Map<string, ExactJson>()
  const none = { file, values: new Map<string, ExactJson>() }
  for (const [name, entry] of asMap(parseYaml(yaml, file), 'the file of thresholds').entries) {
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      throw invalid(`a threshold's name holds letters, digits and "_"`, entry.keyAt, name)
    }
    values.set(name, valueOf(entry.value, { shared: none, key: name, referable: false }))
  }
  return { file, values }
}

interface ValuePlace {
  readonly shared: Thresholds
  readonly key: string
  /** `$name` and `{threshold: name}` stand for a shared bound. */
  readonly referable: boolean
}

function valueOf(tree: YamlTree, place: ValuePlace): ExactJson {
  if (tree.kind === 'list') return tree.items.map((item) => valueOf(item, place))
  if (tree.kind === 'map') {
    const [[name, entry]] = tree.entries.size === 1 ? [...tree.entries] : [[null, null]]
    if (place.referable && name === 'threshold' && entry !== null && entry?.value.kind === 'scalar') {
      return threshold(entry.value.text, entry.value.at, place)
    }
    throw invalid(`${place.key} is a value, a list of values or {threshold: name}`, tree.at, place.key)
  }
  const name = place.referable && tree.type === 'text' ? /^\$([A-Za-z_]\w*)$/.exec(tree.text)?.[1] : undefined
  if (name !== undefined) return threshold(name, tree.at, place)
  if (tree.type === 'null') return null
  if (tree.type === 'boolean') return tree.text.toLowerCase() === 'true'
  return tree.type === 'number' ? numberOf(tree.text, tree.at, place.key) : tree.text
}

function threshold(name: string, at: YamlPlace, { shared, key }: ValuePlace): ExactJson {
  const value = shared.values.get(name)
  if (value !== undefined) return value
  throw invalid(`there is no threshold ${name} in ${shared.file}${suggestion(name, shared.values.keys())}`, at, key)
}

/** A number that a double cannot hold keeps its digits. */
function numberOf(text: string, at: YamlPlace, key: string): ExactJson {
  const plain = text
    .replace(/^\+/, '')
    .replace(/^(-?)\./, '$10.')
    .replace(/\.$/, '')
  const value = Number(plain)
  if (!Number.isFinite(value) || !/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(plain)) {
    throw invalid(`${text} is no decimal number`, at, key)
  }
  const digits = plain
    .replace(/^-/, '')
    .replace(/[eE].*$/, '')
    .replace('.', '')
    .replace(/^0+/, '')
  return digits.length > 15 ? new ExactNumber(plain) : value
}

function same(a: Expectation, b: Expectation): boolean {
  return a.type === b.type && JSON.stringify(a.kwargs) === JSON.stringify(b.kwargs)
}

function tableName(name: string, at: YamlPlace): string {
  try {
    if (isLayer(name.split('.')[0]) && parseTableName(name).table !== '') return name
  } catch {
    // told below with file and line
  }
  throw invalid(
    `${JSON.stringify(name)} is not a table such as bronze.orders, silver.orders or gold.dim_customer`,
    at,
    name,
  )
}

function isEmpty(tree: YamlTree): boolean {
  return tree.kind === 'scalar' && tree.type === 'null'
}

function asMap(tree: YamlTree, what: string, key: string | null = null): YamlMap {
  if (tree.kind !== 'map') throw invalid(`${what} is a map`, tree.at, key)
  return tree
}

function invalid(message: string, at: YamlPlace, key: string | null): SluiceError {
  return new SluiceError('SETTINGS_INVALID', message, {
    where: { file: at.file, ...(at.line === null ? {} : { line: at.line }), ...(key === null ? {} : { key }) },
    hint: 'Mend the named line; docs/gate.md lists the expectations.',
  })
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new SluiceError('FILE_UNREADABLE', `${file} cannot be read (${reason})`, { where: { file }, cause: error })
  }
}
