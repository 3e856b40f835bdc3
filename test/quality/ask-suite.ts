import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDuckdbEngine } from '../../src/adapters/duckdb/duckdb-engine.ts'
import { portablePattern } from '../../src/contract/rules/portable-pattern.ts'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import type { ExactJson } from '../../src/domain/exact-json.ts'
import type { Expectation } from '../../src/domain/expectation.ts'
import type { EngineStep, ModelEngine } from '../../src/ports/model-engine.ts'
import type { Finding } from '../../src/quality/finding.ts'
import type { JudgedTable } from '../../src/quality/judged-table.ts'
import { judgeSuite } from '../../src/quality/judge-suite.ts'

/** Expectations asked of rows that a test writes as SQL, in a real engine. */

export const NOW_MS = Date.parse('2025-06-01T12:00:00Z')

const TYPES: Readonly<Record<string, ColumnType>> = {
  int: { kind: 'int64' },
  double: { kind: 'float64' },
  decimal: { kind: 'decimal', precision: 12, scale: 2 },
  string: { kind: 'string' },
  boolean: { kind: 'boolean' },
  date: { kind: 'date' },
  timestamp: { kind: 'timestamp' },
}

/** `{id: 'int', name: 'string'}` */
export function fields(columns: Readonly<Record<string, string>>): readonly ColumnField[] {
  return Object.entries(columns).map(([name, type]) => ({ name, type: TYPES[type]!, nullable: true }))
}

/** A SELECT of the given rows, each a list of SQL literals. */
export function rowsSql(columns: Readonly<Record<string, string>>, rows: readonly (readonly string[])[]): string {
  const sqlTypes: Readonly<Record<string, string>> = { int: 'bigint', decimal: 'decimal(12,2)' }
  const names = Object.keys(columns)
  const casts = (values: readonly string[]): string =>
    names.map((name, at) => `cast(${values[at]} as ${sqlTypes[columns[name]!] ?? columns[name]}) as ${name}`).join(', ')
  if (rows.length === 0) return `select ${casts(names.map(() => 'null'))} where false`
  return rows.map((row) => `select ${casts(row)}`).join(' union all ')
}

export interface Ask {
  readonly columns: Readonly<Record<string, string>>
  readonly rows: readonly (readonly string[])[]
  readonly key?: readonly string[]
  readonly ageColumn?: string
  readonly deletions?: string
  /** Tables by name: their columns and rows. */
  readonly parents?: Readonly<Record<string, Pick<Ask, 'columns' | 'rows'>>>
}

export interface Asker {
  one(type: string, kwargs: Readonly<Record<string, ExactJson>>, ask: Ask): Promise<Finding>
  all(expectations: readonly Expectation[], ask: Ask): Promise<readonly Finding[]>
  close(): Promise<void>
}

export async function openAsker(): Promise<Asker> {
  const tempFolder = await mkdtemp(join(tmpdir(), 'sluice-quality-'))
  const engine = openDuckdbEngine({ memoryLimitBytes: 2 ** 28, threads: 2, tempFolder })
  const all: Asker['all'] = (expectations, ask) => askAll(engine, expectations, ask)
  return {
    all,
    one: async (type, kwargs, ask) => (await all([expect(type, kwargs)], ask))[0]!,
    async close() {
      await engine.close()
      await rm(tempFolder, { recursive: true, force: true })
    },
  }
}

export function expect(
  type: string,
  kwargs: Readonly<Record<string, ExactJson>>,
  severity: Expectation['severity'] = 'critical',
): Expectation {
  return { type, kwargs, severity, at: null }
}

async function askAll(
  engine: ModelEngine,
  expectations: readonly Expectation[],
  ask: Ask,
): Promise<readonly Finding[]> {
  const parents = Object.entries(ask.parents ?? {})
  const view = (name: string): string => `parent_${name.replace('.', '_')}`
  const steps: EngineStep[] = [
    { name: 'judged', sql: rowsSql(ask.columns, ask.rows) },
    ...parents.map(([name, parent]) => ({ name: view(name), sql: rowsSql(parent.columns, parent.rows) })),
  ]
  const table: JudgedTable = {
    name: { layer: 'silver', table: 'things' },
    view: 'judged',
    fields: fields(ask.columns),
    key: ask.key ?? [],
    bornAt: ask.ageColumn === undefined ? null : { column: ask.ageColumn },
    nowMs: NOW_MS,
    parent: (name) => {
      const found = ask.parents?.[name]
      return found === undefined ? null : { view: view(name), fields: fields(found.columns) }
    },
    deletions: ask.deletions ?? null,
    pattern: (text) => portablePattern(text, { subject: 'test', path: 'regex' }),
  }
  const { findings } = await judgeSuite({
    engine: { ask: (plan) => engine.ask({ ...plan, steps: [...steps, ...(plan.steps ?? [])] }) },
    inputs: [],
    table,
    expectations,
    samples: () => 20,
  })
  return findings
}
