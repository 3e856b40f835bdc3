import type { DuckDBConnection } from '@duckdb/node-api'
import { join } from 'node:path'
import { quoteIdentifier } from '../../domain/identifier.ts'
import type {
  AskPlan,
  EngineFile,
  EngineInput,
  EngineRow,
  EngineStep,
  ModelEngine,
  RewritePlan,
  RewrittenPart,
  StagePlan,
  StageResult,
} from '../../ports/model-engine.ts'
import { answer, handOver } from './answer.ts'
import { engineError } from './engine-error.ts'
import { OpenViews } from './open-views.ts'
import { runStatement } from './run-statement.ts'
import { rewritePart, tileWrites } from './rewrite/rewrite-part.ts'
import { prepareSelect, withSession, type SessionOptions } from './session.ts'
import { stageOutput, writeAside } from './stage-output.ts'

export interface DuckdbEngineOptions {
  readonly memoryLimitBytes: number
  readonly threads: number
  /** Local; spilled data goes to folders below it, which each call removes. */
  readonly tempFolder: string
}

/**
 * SQL in this process. Each call has a database of its own, so nothing is left between calls and memory is given
 * back; calls wait for each other, so that the limit holds for all of them together. Resident memory goes somewhat
 * past the limit: it does not count everything that DuckDB holds.
 */
export function openDuckdbEngine(options: DuckdbEngineOptions): ModelEngine {
  let queue: Promise<unknown> = Promise.resolve()
  let calls = 0

  function inTurn<T>(
    inputs: readonly EngineInput[],
    may: Pick<SessionOptions, 'outputFolders' | 'files' | 'partitionedWrites'>,
    work: (connection: DuckDBConnection) => Promise<T>,
  ): Promise<T> {
    calls += 1
    const spillFolder = join(options.tempFolder, `spill-${calls}`)
    const run = queue.then(() => withSession({ ...options, spillFolder, ...may }, inputs, work))
    queue = run.catch(() => null)
    return run
  }

  return {
    async stage(plan: StagePlan): Promise<StageResult> {
      try {
        const folders = [plan.output, ...(plan.asides ?? [])].flatMap((each) => each?.folder ?? [])
        const later = laterSql(plan)
        const inputs = namedInputs(plan.inputs, [...plan.steps.map(stepText), ...later])
        return await inTurn(inputs, { outputFolders: folders }, async (connection) => {
          const views = new OpenViews(connection, inputs, options.memoryLimitBytes)
          await runSteps(connection, views, plan.steps, later)
          const asides: (readonly EngineFile[])[] = []
          for (const aside of plan.asides ?? []) asides.push(await writeAside(connection, aside))
          const staged = plan.output === null ? null : await stageOutput(connection, plan.output, views)
          const probes: (readonly EngineRow[])[] = []
          for (const probe of plan.probes) probes.push(await answer(connection, probe, null))
          return {
            fields: staged?.fields ?? [],
            files: staged?.files ?? [],
            rows: staged?.files.reduce((sum, file) => sum + file.rows, 0) ?? 0,
            probes,
            asides,
          }
        })
      } catch (error) {
        throw engineError(error, 'MODEL_SQL')
      }
    },
    async ask(plan: AskPlan) {
      try {
        const { steps = [], questions } = plan
        const inputs = namedInputs(plan.inputs, [...steps.map(stepText), ...questions])
        return await inTurn(inputs, { outputFolders: [] }, async (connection) => {
          const views = new OpenViews(connection, inputs, options.memoryLimitBytes)
          await runSteps(connection, views, steps, questions)
          const maxRows = plan.maxRows ?? null
          const answers: (readonly EngineRow[])[] = []
          for (const [index, question] of questions.entries()) {
            const into = plan.into?.[index]
            if (into === undefined) answers.push(await answer(connection, question, maxRows))
            else await handOver(connection, question, { into, maxRows })
          }
          return answers
        })
      } catch (error) {
        throw engineError(error, 'QUERY_INVALID')
      }
    },
    async rewrite(plan: RewritePlan) {
      try {
        const files = plan.parts.flatMap((part) => part.files)
        const may = { outputFolders: [plan.folder], files, partitionedWrites: tileWrites(plan) }
        return await inTurn([], may, async (connection) => {
          const parts: RewrittenPart[] = []
          for (const [index, part] of plan.parts.entries()) {
            parts.push(await rewritePart(connection, { plan, part, index, memoryLimitBytes: options.memoryLimitBytes }))
          }
          return parts
        })
      } catch (error) {
        throw engineError(error, 'MODEL_SQL')
      }
    },
    async close() {
      await queue
    },
  }
}

/**
 * Views that some SQL may name: opening one costs a look into each of its files. Views in a schema are for SQL that
 * people write, and stay.
 */
function namedInputs(inputs: readonly EngineInput[], sql: readonly string[]): readonly EngineInput[] {
  const texts = sql.map((text) => text.toLowerCase())
  return inputs.filter(
    ({ name, schema }) => schema !== undefined || texts.some((text) => text.includes(name.toLowerCase())),
  )
}

function stepText(step: EngineStep): string {
  return 'narrow' in step ? `${step.narrow} ${step.sql}` : step.sql
}

function laterSql({ asides = [], output, probes }: StagePlan): readonly string[] {
  const { view = '', keeps = '', others = '' } = output?.slices ?? {}
  const own = output === null ? [] : [output.sql, view, keeps, others]
  return [...asides.map(({ sql }) => sql), ...own, ...probes]
}

/** A step's rows are let go once nothing names them any more: `later` is what is asked after the steps. */
async function runSteps(
  connection: DuckDBConnection,
  views: OpenViews,
  steps: readonly EngineStep[],
  later: readonly string[],
): Promise<void> {
  const held = new Set<string>()
  for (const [at, step] of steps.entries()) {
    if ('narrow' in step) {
      const rows = await answer(connection, step.sql, null)
      await views.narrow(step.narrow, new Set(rows.flatMap(({ file }) => (typeof file === 'string' ? [file] : []))))
    } else {
      const checked = await prepareSelect(connection, step.sql)
      checked.destroySync()
      await runStatement(connection, `create temp table ${quoteIdentifier(step.name)} as ${step.sql}`)
      held.add(step.name)
    }
    const ahead = [...steps.slice(at + 1).map(stepText), ...later].map((sql) => sql.toLowerCase())
    for (const name of held) {
      if (ahead.some((sql) => sql.includes(name.toLowerCase()))) continue
      await connection.run(`drop table ${quoteIdentifier(name)}`)
      held.delete(name)
    }
  }
}
