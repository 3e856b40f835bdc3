import { classifyError, SluiceError } from '../../domain/errors.ts'
import { formatTableName, parseTableName } from '../../domain/identifier.ts'
import type { ModelTest } from '../../domain/model-test.ts'
import type { ModelDefinition } from '../../domain/model.ts'
import { suggestion } from '../../domain/nearest-word.ts'
import { engineInput } from '../../lake/engine-input.ts'
import { openSnapshot } from '../../lake/snapshot.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { orderModels, selectModels, type ModelNode } from '../../transform/graph.ts'
import { isSame, pairRows, type RowDifferences } from './compare-rows.ts'
import { buildIn, defaultOf, freshLake, TableFields, writeTable, type TestLakeWorld } from './test-lake.ts'
import { typeRows } from './test-rows.ts'

export interface ModelTestsRequest {
  readonly world: TestLakeWorld
  readonly models: readonly ModelDefinition[]
  /** As `selectModels` reads them; none means all. */
  readonly select: readonly string[]
  readonly testsOf: (model: ModelDefinition) => readonly ModelTest[]
  readonly onDone?: (model: string, result: TestResult) => void
}

export interface ModelTestReport {
  readonly model: string
  readonly file: string
  /** None: the model has no tests. */
  readonly tests: readonly TestResult[]
}

export interface TestResult extends RowDifferences {
  readonly name: string
  readonly ok: boolean
  /** The model or the test could not be worked out. */
  readonly error: SluiceError | null
}

/**
 * Runs each test of the selected models on a lake of its own: given tables as they are, tables in between built from
 * them, then the model, all by the path that a build takes. Nothing outside that lake is read or written but contracts.
 */
export async function runModelTests(request: ModelTestsRequest): Promise<ModelTestReport[]> {
  const { world, models, select, testsOf, onDone } = request
  const bronze = new Map([...world.settings.tables.values()].map(({ table, key }) => [table, key]))
  const order = orderModels({ models, bronze })
  const nodes = new Map(order.map((node) => [node.name, node]))
  const fields = new TableFields(world, nodes)
  const reports: ModelTestReport[] = []
  for (const node of selectModels(order, select)) {
    const tests: TestResult[] = []
    for (const test of testsOf(node.model)) {
      world.signal.throwIfAborted()
      const result = await runTest({ world, order, nodes, fields, node, test })
      onDone?.(node.name, result)
      tests.push(result)
    }
    reports.push({ model: node.name, file: node.model.yamlFile, tests })
  }
  return reports
}

interface TestTurn {
  readonly world: TestLakeWorld
  readonly order: readonly ModelNode[]
  readonly nodes: ReadonlyMap<string, ModelNode>
  readonly fields: TableFields
  readonly node: ModelNode
  readonly test: ModelTest
}

const NOTHING: RowDifferences = { missing: [], unexpected: [], differing: [] }

async function runTest(turn: TestTurn): Promise<TestResult> {
  const { name } = turn.test
  try {
    const lake = await buildTest(turn)
    const differences = await compare(turn, lake)
    return { name, ok: isSame(differences), error: null, ...differences }
  } catch (error) {
    const failure = classifyError(error)
    if (failure.code === 'BUG' || failure.row.exit !== 2) throw failure
    return { name, ok: false, error: failure, ...NOTHING }
  }
}

/** Everything that the model reads, given or built, then the model. */
async function buildTest({ world, order, nodes, fields, node, test }: TestTurn): Promise<ObjectStore> {
  const needed = new Set<string>()
  const visit = (name: string): void => {
    if (needed.has(name)) return
    needed.add(name)
    if (name !== node.name && test.given.has(name)) return
    for (const input of nodes.get(name)?.inputs ?? []) visit(formatTableName(input))
  }
  visit(node.name)
  checkGiven(node, test, needed)
  const lake = await freshLake(world)
  for (const name of needed) {
    const { layer, table } = parseTableName(name)
    const rows = name === node.name ? undefined : test.given.get(name)
    if (rows === undefined && layer !== 'bronze') continue
    const types = await fields.of(name)
    const batch = typeRows({
      rows: rows ?? [],
      fields: types,
      table: name,
      file: node.model.yamlFile,
      defaultOf: defaultOf(world.settings, name),
    })
    await writeTable(world, lake.at(`${layer}/${table}`), { fields: types, rows: batch })
  }
  for (const each of order) {
    if (!needed.has(each.name) || (each.name !== node.name && test.given.has(each.name))) continue
    await buildIn(world, lake, each)
  }
  return lake
}

function checkGiven(node: ModelNode, { given, line }: ModelTest, needed: ReadonlySet<string>): void {
  const readable = [...needed].filter((name) => name !== node.name)
  for (const name of given.keys()) {
    if (readable.includes(name)) continue
    throw new SluiceError(
      'MODEL_INVALID',
      `${node.name} does not read ${name}${suggestion(name, readable)}; it reads ${readable.join(', ')}`,
      { where: { file: node.model.yamlFile, model: node.name, ...(line === null ? {} : { line }) } },
    )
  }
}

const ACTUAL = 'sluice_actual'
const EXPECTED = 'sluice_expected'

/**
 * Rows are compared by the engine, typed as the model's columns, over the columns that any expected row names; one
 * that leaves a column out expects null. Rows count: two that are alike are two. Deleted keys are hidden, as from every
 * reader, unless `_deleted` is named.
 */
async function compare({ world, node, test }: TestTurn, lake: ObjectStore): Promise<RowDifferences> {
  const store = lake.at(`${node.model.layer}/${node.model.table}`)
  const snapshot = await openSnapshot(store)
  if (snapshot === null) throw new SluiceError('BUG', `${node.name} was built and is not there`)
  const { fields } = snapshot.metadata
  const file = node.model.yamlFile
  // all rows are checked against all columns, so that a name that the model does not have is told
  typeRows({ rows: test.expect, fields, table: node.name, file, defaultOf: () => null })
  const named = new Set(test.expect.flatMap((row) => [...row.values.keys()]))
  const compared =
    test.expect.length === 0
      ? fields.filter(({ name }) => !name.startsWith('_'))
      : fields.filter(({ name }) => named.has(name))
  if (compared.length === 0) {
    throw new SluiceError('MODEL_INVALID', `the expected rows of ${node.name} name no column`, { where: { file } })
  }
  const expected = typeRows({ rows: test.expect, fields: compared, table: node.name, file, defaultOf: () => null })
  const expectedStore = lake.at('expected')
  await writeTable(world, expectedStore, { fields: compared, rows: expected })
  const expectedSnapshot = await openSnapshot(expectedStore)
  if (expectedSnapshot === null) throw new SluiceError('BUG', 'the expected rows are not there')
  const columns = compared.map(({ name }) => name).join(', ')
  const hidden = fields.some(({ name }) => name === '_deleted') && !named.has('_deleted') ? ' where not _deleted' : ''
  const sides = `select ${columns}, 1 as sluice_side from ${ACTUAL}${hidden} union all select ${columns}, -1 as sluice_side from ${EXPECTED}`
  const engine = await world.engine()
  const [rows = []] = await engine.ask({
    inputs: [
      await engineInput({ name: ACTUAL, store, snapshot }),
      await engineInput({ name: EXPECTED, store: expectedStore, snapshot: expectedSnapshot }),
    ],
    questions: [
      `select ${columns}, cast(sum(sluice_side) as bigint) as sluice_side from (${sides}) sides group by ${columns} having sum(sluice_side) <> 0 order by all`,
    ],
  })
  const unexpected = rows.flatMap(({ sluice_side: side, ...row }) =>
    Array.from({ length: Math.max(0, Number(side)) }, () => row),
  )
  const missing = rows.flatMap(({ sluice_side: side, ...row }) =>
    Array.from({ length: Math.max(0, -Number(side)) }, () => row),
  )
  return pairRows(node.model.key, missing, unexpected)
}
