import { readFileSync } from 'node:fs'
import { SluiceError } from '../../domain/errors.ts'
import { formatTableName } from '../../domain/identifier.ts'
import type { ModelTest, TestRow, TestValue } from '../../domain/model-test.ts'
import type { ModelDefinition } from '../../domain/model.ts'
import { parseYaml } from '../yaml/yaml-tree.ts'
import type { YamlTree } from '../yaml/yaml-tree.ts'
import { asMap, checkKeys, invalid, parseName, scalarText } from './model-yaml.ts'

/** `tests:` of a model's YAML; none where it has no such key. Throws MODEL_INVALID or YAML_INVALID with file and line. */
export function loadModelTests({ yamlFile }: Pick<ModelDefinition, 'yamlFile'>): readonly ModelTest[] {
  let text: string
  try {
    text = readFileSync(yamlFile, 'utf8')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new SluiceError('FILE_UNREADABLE', `${yamlFile} cannot be read: ${reason}`, {
      where: { file: yamlFile },
      cause: error,
    })
  }
  return parseModelTests(text, yamlFile)
}

/** Pure. */
export function parseModelTests(yaml: string, yamlFile: string): readonly ModelTest[] {
  const entry = asMap(parseYaml(yaml, yamlFile), null).entries.get('tests')
  if (entry === undefined) return []
  if (entry.value.kind !== 'list') throw invalid('tests is a list', entry.value.at, 'tests')
  const tests = entry.value.items.map((item, index) => parseTest(item, `tests[${index}]`))
  const names = new Set<string>()
  for (const { name } of tests) {
    if (names.has(name)) throw invalid(`two tests are named ${JSON.stringify(name)}`, entry.keyAt, 'tests')
    names.add(name)
  }
  return tests
}

function parseTest(tree: YamlTree, path: string): ModelTest {
  const map = asMap(tree, path)
  checkKeys(map, ['name', 'given', 'expect'], `${path}.`)
  const name = map.entries.get('name')
  const given = map.entries.get('given')
  const expect = map.entries.get('expect')
  if (name === undefined) throw invalid('a test has a name', map.at, `${path}.name`)
  if (expect === undefined) {
    throw invalid('a test says which rows it expects; `expect: []` for none', map.at, `${path}.expect`)
  }
  const tables = new Map<string, readonly TestRow[]>()
  for (const [table, rows] of given === undefined ? [] : asMap(given.value, `${path}.given`).entries) {
    const parsed = parseName(table, rows.keyAt, `${path}.given`)
    tables.set(formatTableName(parsed), parseRows(rows.value, `${path}.given.${table}`))
  }
  return {
    name: scalarText(name, `${path}.name`),
    line: map.at.line,
    given: tables,
    expect: parseRows(expect.value, `${path}.expect`),
  }
}

function parseRows(tree: YamlTree, path: string): readonly TestRow[] {
  if (tree.kind !== 'list') throw invalid(`${path} is a list of rows`, tree.at, path)
  return tree.items.map((item, index) => {
    const map = asMap(item, `${path}[${index}]`)
    const values = [...map.entries].map(([column, entry]) => [column, valueOf(entry.value)] as const)
    return { line: map.at.line, values: new Map(values) }
  })
}

function valueOf(tree: YamlTree): TestValue {
  switch (tree.kind) {
    case 'scalar':
      return tree.type === 'null' ? null : tree.text
    case 'list':
      return tree.items.map(valueOf)
    case 'map':
      return Object.fromEntries([...tree.entries].map(([key, entry]) => [key, valueOf(entry.value)]))
  }
}
