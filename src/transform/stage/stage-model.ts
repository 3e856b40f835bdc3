import type { ColumnField } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import { formatTableName } from '../../domain/identifier.ts'
import type { EngineInput, EngineRow, StageResult } from '../../ports/model-engine.ts'
import type { World } from '../../ports/world.ts'
import { calendarAsOf } from '../as-of/as-of-sql.ts'
import type { ChangedRows } from './changed-rows.ts'
import type { ModelNode } from '../graph.ts'
import { emptyInput, keepsDeleted, wholeInput } from '../model-inputs.ts'
import type { OpenInput } from '../model-inputs.ts'
import { CALENDAR_FIELDS, MAX_CALENDAR_DAYS, calendarSql, countDays } from '../rows/calendar.ts'
import { shapeOf } from '../rows/result-shape.ts'
import { takenFields } from '../rows/row-lookups.ts'
import type { ResultShape } from '../rows/result-shape.ts'
import { columnOrigins } from '../sql/column-origins.ts'
import { plainColumn } from '../sql/sql-name.ts'
import { TARGET_VIEW, inputView, selectSql } from './stage-sql.ts'
import type { ProbeName, StageSql } from './stage-sql.ts'

export type StageWorld = Pick<World, 'engine' | 'stagingFolder' | 'settings'>

export interface Description {
  readonly shape: ResultShape
  /** Each row comes from one row of the main input. */
  readonly isRowwise: boolean
  readonly keepsDeleted: ReadonlySet<string>
  /** See `StageFacts.plain`; empty where the SELECT is not row-wise. */
  readonly plain: ReadonlyMap<string, string>
}

/** What the model's SELECT gives, found by running it over inputs without rows. */
export async function describeModel(
  world: StageWorld,
  node: ModelNode,
  inputs: readonly OpenInput[],
): Promise<Description> {
  const hidden = new Set(inputs.filter((input) => keepsDeleted(input.snapshot)).map((input) => input.name))
  if (node.sql === null) {
    const shape = { own: CALENDAR_FIELDS, stored: CALENDAR_FIELDS, isChanges: false }
    return { shape, isRowwise: false, keepsDeleted: hidden, plain: new Map() }
  }
  const described = await describeSql(world, node, {
    inputs: inputs.map((input) => emptyInput(inputView(input.table), input)),
    sql: `select * from ${selectSql({ node, keepsDeleted: hidden }, inputView)} s`,
  })
  const columns = described.fields
  const mainLayer = node.sql.main?.layer ?? null
  const added = await describeAdded(world, node, { inputs, columns })
  // a sum or a count without GROUP BY has a row even where there are none
  const isRowwise = node.sql.rowwise && described.rows === 0
  return {
    shape: shapeOf(node.model, { columns, mainLayer, added }),
    isRowwise,
    keepsDeleted: hidden,
    plain: isRowwise ? plainColumns(node, inputs) : new Map(),
  }
}

/** None where the text of the SELECT is beyond what is read of it. */
function plainColumns({ model, sql }: ModelNode, inputs: readonly OpenInput[]): ReadonlyMap<string, string> {
  const tables = new Map(
    inputs.map(({ name, snapshot }) => [name, snapshot.metadata.fields.map((field) => field.name)]),
  )
  const main = sql?.main ?? null
  const plain = new Map<string, string>()
  if (main === null) return plain
  try {
    for (const [name, [origin, ...others]] of columnOrigins(model.sql, model.sqlFile, tables).columns) {
      const isPlain = others.length === 0 && origin?.how === 'identity' && origin.table === formatTableName(main)
      if (isPlain) plain.set(name, origin.column)
    }
  } catch {
    return new Map()
  }
  return plain
}

/** What row lookups take, typed as their tables have it, and what is worked out from it, typed as the engine finds it. */
async function describeAdded(
  world: StageWorld,
  node: ModelNode,
  { inputs, columns }: { readonly inputs: readonly OpenInput[]; readonly columns: readonly ColumnField[] },
): Promise<readonly ColumnField[]> {
  const { model } = node
  const taken = takenFields(
    model,
    (table) => inputs.find((input) => input.name === table)?.snapshot.metadata.fields ?? [],
  )
  if (model.derive.length === 0) return taken
  const fields = [...columns.filter(({ name }) => !name.startsWith('_')), ...taken]
  const row = { name: 'sluice_row', fields, partitionColumns: [], files: [] }
  const { fields: derived } = await describeSql(world, node, {
    inputs: [row],
    sql: `select ${model.derive.map(({ name, sql }) => `(${sql}) as ${name}`).join(', ')} from sluice_row`,
  })
  return [...taken, ...derived]
}

function describeSql(
  world: StageWorld,
  node: ModelNode,
  { inputs, sql }: { readonly inputs: readonly EngineInput[]; readonly sql: string },
): Promise<StageResult> {
  return inEngine(node, async () => {
    const engine = await world.engine()
    return engine.stage({
      inputs,
      steps: [],
      probes: [],
      output: {
        sql,
        fields: null,
        partitionBy: [],
        folder: await world.stagingFolder(`describe-${node.name}`),
        targetFileBytes: world.settings.performance.partitionSizeBytes,
      },
    })
  })
}

/** A calendar's days as a SELECT in brackets, from the first to the last day that its input holds. */
export async function calendarSource(world: StageWorld, node: ModelNode, input: OpenInput): Promise<string> {
  const { over } = node.model
  if (over === null) throw new SluiceError('BUG', `calendar ${node.name} has nothing to cover`)
  const column = plainColumn(over.column, node.model)
  const condition = keepsDeleted(input.snapshot)
    ? 'not coalesce(_deleted, false)'
    : calendarAsOf(node, input.table, column)
  const where = condition === null ? '' : ` where ${condition}`
  const view = inputView(input.table)
  const day = `cast(cast(${column} as timestamp) as date)`
  const [rows] = await inEngine(node, async () => {
    const engine = await world.engine()
    return engine.ask({
      inputs: [await wholeInput(view, input)],
      questions: [
        `select cast(min(${day}) as string) as first, cast(max(${day}) as string) as last from ${view}${where}`,
      ],
    })
  })
  const { first, last } = rows?.[0] ?? {}
  if (typeof first !== 'string' || typeof last !== 'string') return `(${calendarSql(null)})`
  if (!/^\d{4}-/.test(first) || !/^\d{4}-/.test(last) || countDays(first, last) > MAX_CALENDAR_DAYS) {
    throw new SluiceError(
      'MODEL_INVALID',
      `${input.name}.${over.column} goes from ${first} to ${last}: too many days for a calendar`,
      {
        where: { file: node.model.yamlFile, model: node.name, key: 'over' },
        hint: 'Leave out the days that cannot be.',
      },
    )
  }
  return `(${calendarSql({ first, last })})`
}

export interface StageRequest {
  readonly node: ModelNode
  readonly sql: StageSql
  readonly inputs: readonly EngineInput[]
  readonly fields: readonly ColumnField[]
  readonly partitionBy: readonly string[]
  /** The rows that differ from the target's are kept as files of their own too. */
  readonly keepsChanges?: boolean
}

export interface StagedRows {
  readonly result: StageResult
  readonly changes: ChangedRows | null
  /** The numbers of `count` probes; 0 for one that was not asked. */
  count(name: ProbeName): number
  rows(name: ProbeName): readonly EngineRow[]
}

export async function stageRows(world: StageWorld, request: StageRequest): Promise<StagedRows> {
  const { node, sql, inputs, fields, partitionBy } = request
  const names = [...sql.probes.keys()]
  const changes = request.keepsChanges === true ? sql.changes : null
  const result = await inEngine(node, async () => {
    const engine = await world.engine()
    return engine.stage({
      inputs,
      steps: sql.steps,
      probes: [...sql.probes.values()],
      asides: await Promise.all(
        (changes === null ? [] : [changes.added, changes.removed]).map(async (rows) => ({
          sql: rows,
          fields,
          folder: await world.stagingFolder(`changes-${node.name}`),
        })),
      ),
      output: {
        sql: sql.output,
        fields,
        partitionBy,
        folder: await world.stagingFolder(node.name),
        targetFileBytes: world.settings.performance.partitionSizeBytes,
        ...(sql.parts === undefined ? {} : { slices: { view: TARGET_VIEW, ...sql.parts } }),
      },
    })
  })
  const rows = (name: ProbeName): readonly EngineRow[] => result.probes[names.indexOf(name)] ?? []
  const [added = [], removed = []] = result.asides
  return {
    result,
    changes: changes === null ? null : { added, removed },
    rows,
    count: (name) => Number(rows(name)[0]?.['count'] ?? 0),
  }
}

/** What an engine says about SQL is about the model's SQL: the file is named. */
async function inEngine<T>(node: ModelNode, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof SluiceError) || (error.code !== 'MODEL_SQL' && error.code !== 'QUERY_INVALID')) throw error
    const file = node.sql === null ? node.model.yamlFile : node.model.sqlFile
    throw new SluiceError('MODEL_SQL', `${file}: ${error.message}`, {
      where: { file, model: node.name },
      cause: error,
    })
  }
}
