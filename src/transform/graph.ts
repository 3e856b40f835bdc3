import { SluiceError } from '../domain/errors.ts'
import { formatTableName } from '../domain/identifier.ts'
import type { TableName } from '../domain/identifier.ts'
import type { ModelDefinition } from '../domain/model.ts'
import { suggestion } from '../domain/nearest-word.ts'
import { definitionHash } from './definition.ts'
import { readLookups } from './rows/lookups.ts'
import type { Lookup } from './rows/lookups.ts'
import { checkRowLookups } from './rows/row-lookups.ts'
import { readModelSql } from './sql/model-sql.ts'
import type { ModelSql } from './sql/model-sql.ts'

/** A model in its place: what it reads and what decides its rows. */
export interface ModelNode {
  readonly name: string
  readonly model: ModelDefinition
  /** Null for a calendar. */
  readonly sql: ModelSql | null
  readonly lookups: readonly Lookup[]
  /** All tables that it reads, each once: those of the SELECT, the calendar's, those looked up. */
  readonly inputs: readonly TableName[]
  readonly definition: bigint
  /** Set where the model is built as of a time in the data: microseconds since 1970; what happened before it counts. */
  readonly beforeMicros?: bigint
}

export interface GraphFacts {
  readonly models: readonly ModelDefinition[]
  /** Bronze tables that are declared, with the columns of their topic's key where known. */
  readonly bronze: ReadonlyMap<string, readonly string[]>
  /** By model: what it does not read and had better come after, where nothing forbids it. */
  readonly after?: ReadonlyMap<string, readonly string[]>
}

/**
 * All models, each after what it reads. Pure. Throws MODEL_INVALID, TABLE_UNKNOWN or MODEL_CYCLE, naming the model's
 * file or the circle.
 */
export function orderModels({ models, bronze, after = new Map() }: GraphFacts): readonly ModelNode[] {
  const definitions = new Map(models.map((model) => [formatTableName(model), model]))
  const nodes = new Map<string, ModelNode>()
  for (const [name, model] of [...definitions].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    nodes.set(name, readNode(model, definitions))
  }
  for (const node of nodes.values()) {
    for (const input of node.inputs) checkKnown(node, input, nodes, bronze)
    checkTieBreak(node, bronze)
  }
  return sortNodes(nodes, after)
}

function readNode(model: ModelDefinition, definitions: ReadonlyMap<string, ModelDefinition>): ModelNode {
  const sql = model.kind === 'calendar' ? null : readModelSql(model.sql, model.sqlFile)
  const lookups = readLookups(model, definitions)
  checkRowLookups(model, definitions)
  const inputs = [
    ...(sql?.inputs ?? []),
    ...(model.over === null ? [] : [model.over.table]),
    ...model.rowLookups.map((lookup) => lookup.table),
    ...lookups.map((lookup) => lookup.dimension),
  ]
  if (inputs.length === 0) {
    throw new SluiceError('MODEL_INVALID', 'the model reads no table', { where: { file: model.sqlFile } })
  }
  return {
    name: formatTableName(model),
    model,
    sql,
    lookups,
    inputs: [...new Map(inputs.map((input) => [formatTableName(input), input])).values()],
    definition: definitionHash(
      model,
      sql?.canonical ?? '',
      lookups.map((lookup) => lookup.model),
    ),
  }
}

function checkKnown(
  { model }: ModelNode,
  input: TableName,
  nodes: ReadonlyMap<string, ModelNode>,
  bronze: ReadonlyMap<string, readonly string[]>,
): void {
  const name = formatTableName(input)
  const known = input.layer === 'bronze' ? bronze.has(input.table) : nodes.has(name)
  if (known) return
  const file = model.kind === 'calendar' ? model.yamlFile : model.sqlFile
  const names = [...nodes.keys(), ...[...bronze.keys()].map((table) => `bronze.${table}`)]
  throw new SluiceError(
    'TABLE_UNKNOWN',
    `${formatTableName(model)} reads ${name}, which is no model and no bronze table${suggestion(name, names)}`,
    { where: { file, model: formatTableName(model), table: name } },
  )
}

/**
 * Two changes of one key must never be in doubt. Where the model's key is the topic's key, the log orders them: all
 * changes of a key are in one partition. Elsewhere the model says how (DESIGN §1).
 */
function checkTieBreak({ model, sql }: ModelNode, bronze: ReadonlyMap<string, readonly string[]>): void {
  const isChanges = model.kind === 'scd2' || (model.kind === 'merge' && sql?.main?.layer === 'bronze')
  if (!isChanges || model.tieBreak.length > 0) return
  const topicKey = (sql?.main?.layer === 'bronze' ? bronze.get(sql.main.table) : undefined) ?? []
  const plain = (names: readonly string[]): string =>
    names
      .map((name) => name.replaceAll('_', '').toLowerCase())
      .toSorted()
      .join()
  if (topicKey.length > 0 && plain(topicKey) === plain(model.key)) return
  throw new SluiceError(
    'MODEL_INVALID',
    `tie_break is needed: the key (${model.key.join(', ')}) is not the key of the topic${topicKey.length > 0 ? ` (${topicKey.join(', ')})` : ''}, so the log does not order its changes`,
    { where: { file: model.yamlFile, model: formatTableName(model), key: 'tie_break' } },
  )
}

/** Depth first, by name, so that the order is the same on every run. */
function sortNodes(
  nodes: ReadonlyMap<string, ModelNode>,
  after: ReadonlyMap<string, readonly string[]>,
): readonly ModelNode[] {
  const sorted = new Map<string, ModelNode>()
  const path: string[] = []
  const visit = (node: ModelNode): void => {
    if (sorted.has(node.name)) return
    const start = path.indexOf(node.name)
    if (start >= 0) {
      const circle = [...path.slice(start), node.name].join(' → ')
      throw new SluiceError('MODEL_CYCLE', `models depend on each other in a circle: ${circle}`, {
        where: { file: node.model.sqlFile, model: node.name },
      })
    }
    path.push(node.name)
    for (const input of parentsOf(node, nodes)) visit(input)
    path.pop()
    sorted.set(node.name, node)
  }
  for (const node of nodes.values()) visit(node)
  return afterLookups([...sorted.values()], after)
}

function parentsOf(node: ModelNode, nodes: ReadonlyMap<string, ModelNode>): readonly ModelNode[] {
  return node.inputs.flatMap((input) => nodes.get(formatTableName(input)) ?? [])
}

/**
 * A fact may give its dimensions their unknown member: whoever else reads such a dimension comes after the facts
 * that look it up, where nothing forbids it, so that one pass settles all.
 */
function afterLookups(
  order: readonly ModelNode[],
  after: ReadonlyMap<string, readonly string[]>,
): readonly ModelNode[] {
  const waiting = [...order]
  const done = new Set<string>()
  const result: ModelNode[] = []
  const built = (node: ModelNode): boolean =>
    node.inputs.every(
      (input) => done.has(formatTableName(input)) || !waiting.some((w) => w.name === formatTableName(input)),
    )
  const looksUp = (fact: ModelNode, dimension: string): boolean =>
    fact.lookups.some((lookup) => formatTableName(lookup.dimension) === dimension)
  const mustWait = (node: ModelNode): boolean =>
    (after.get(node.name) ?? []).some((name) => waiting.some((other) => other !== node && other.name === name)) ||
    node.inputs.some((input) =>
      waiting.some(
        (fact) => fact !== node && looksUp(fact, formatTableName(input)) && !looksUp(node, formatTableName(input)),
      ),
    )
  while (waiting.length > 0) {
    const ready = waiting.filter(built)
    const next = ready.find((node) => !mustWait(node)) ?? ready[0]!
    waiting.splice(waiting.indexOf(next), 1)
    done.add(next.name)
    result.push(next)
  }
  return result
}

/**
 * The models that `select` names, in order; none named means all. `silver.orders+` takes what is downstream of it
 * too, `+silver.orders` what it is built from. Throws MODEL_UNKNOWN.
 */
export function selectModels(order: readonly ModelNode[], select: readonly string[]): readonly ModelNode[] {
  if (select.length === 0) return order
  const byName = new Map(order.map((node) => [node.name, node]))
  const chosen = new Set<string>()
  for (const text of select) {
    const name = text.replace(/^\+/, '').replace(/\+$/, '')
    if (!byName.has(name)) {
      throw new SluiceError(
        'MODEL_UNKNOWN',
        `there is no model ${JSON.stringify(name)}${suggestion(name, byName.keys())}; there are ${[...byName.keys()].join(', ') || 'none'}`,
        { where: { model: name } },
      )
    }
    chosen.add(name)
    if (text.startsWith('+')) addUpstream(byName, name, chosen)
    if (text.endsWith('+')) addDownstream(order, name, chosen)
  }
  return order.filter((node) => chosen.has(node.name))
}

function addUpstream(byName: ReadonlyMap<string, ModelNode>, name: string, chosen: Set<string>): void {
  for (const input of byName.get(name)?.inputs ?? []) {
    const parent = formatTableName(input)
    if (!byName.has(parent)) continue
    chosen.add(parent)
    addUpstream(byName, parent, chosen)
  }
}

function addDownstream(order: readonly ModelNode[], name: string, chosen: Set<string>): void {
  const below = new Set([name])
  for (const node of order) {
    if (node.inputs.some((input) => below.has(formatTableName(input)))) below.add(node.name)
  }
  for (const each of below) chosen.add(each)
}
