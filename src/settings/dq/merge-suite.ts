import { parseDocument, isMap, isSeq, YAMLMap, YAMLSeq } from 'yaml'
import { SluiceError } from '../../domain/errors.ts'
import { showExact } from '../../domain/exact-json.ts'
import type { Severity } from '../../domain/expectation.ts'
import { parseSuites } from '../dq-file.ts'
import type { ImportedExpectation } from './suite-json.ts'

export interface MergeRequest {
  /** The file of suites as it is; empty where there is none. */
  readonly yaml: string
  readonly file: string
  readonly thresholds: string
  readonly thresholdsFile: string
  readonly table: string
  readonly expectations: readonly ImportedExpectation[]
}

export interface MergedSuite {
  readonly yaml: string
  readonly added: readonly ImportedExpectation[]
  /** The suite has them already. */
  readonly known: readonly ImportedExpectation[]
}

/** Adds expectations to a table's suite; comments and all else of the file stay. Pure. Throws where the file is wrong. */
export function mergeSuite(request: MergeRequest): MergedSuite {
  const { yaml, table, expectations } = request
  const suite = parseSuites(request).get(table)?.expectations ?? []
  const has = (one: ImportedExpectation): boolean =>
    suite.some(
      (each) => each.type === one.type && each.severity === one.severity && sameKwargs(each.kwargs, one.kwargs),
    )
  const known = expectations.filter(has)
  const added = expectations.filter((each) => !has(each))
  const document = parseDocument(yaml)
  const root: unknown = document.contents ?? document.createNode({})
  if (!isMap(root))
    throw new SluiceError('SETTINGS_INVALID', 'the file of suites is a map', { where: { file: request.file } })
  document.contents = root as unknown as typeof document.contents
  for (const expectation of added) {
    const list = listOf(root as YAMLMap, table, expectation.severity)
    const kwargs = document.createNode(
      Object.fromEntries(Object.entries(expectation.kwargs).map(([name, value]) => [name, showExact(value)])),
    )
    if (isMap(kwargs)) kwargs.flow = true
    const item = new YAMLMap()
    item.set(expectation.type, kwargs)
    list.add(item)
  }
  const merged = document.toString({ lineWidth: 0, flowCollectionPadding: false })
  // what was written must read back
  parseSuites({ ...request, yaml: merged })
  return { yaml: merged, added, known }
}

function listOf(root: YAMLMap, table: string, severity: Severity): YAMLSeq {
  let suite = root.get(table)
  if (!isMap(suite)) {
    suite = new YAMLMap()
    root.set(table, suite)
  }
  const map = suite as YAMLMap
  const list = map.get(severity)
  if (isSeq(list)) return list
  const made = new YAMLSeq()
  map.set(severity, made)
  return made
}

function sameKwargs(a: object, b: object): boolean {
  const text = (kwargs: object): string =>
    JSON.stringify(Object.entries(kwargs).toSorted(([x], [y]) => (x < y ? -1 : 1)))
  return text(a) === text(b)
}
