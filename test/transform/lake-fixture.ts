import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDuckdbEngine } from '../../src/adapters/duckdb/duckdb-engine.ts'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import type { DomainEvent } from '../../src/domain/events.ts'
import { parseTableName } from '../../src/domain/identifier.ts'
import type { ModelDefinition } from '../../src/domain/model.ts'
import type { Settings } from '../../src/domain/settings.ts'
import { commitTransaction } from '../../src/lake/commit.ts'
import { addStagedFile } from '../../src/lake/data-file.ts'
import { engineInput } from '../../src/lake/engine-input.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import type { Snapshot } from '../../src/lake/snapshot.ts'
import type { EngineInput, EngineRow, ModelEngine, StagePlan } from '../../src/ports/model-engine.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import { parseModel } from '../../src/settings/model-file.ts'
import { buildModels } from '../../src/transform/build.ts'
import type { BuildOptions, BuildWorld, ModelOutcome } from '../../src/transform/build.ts'

/** A lake in a temporary folder, with bronze tables written as a test says. */
export interface LakeFixture {
  readonly folder: string
  readonly world: BuildWorld
  readonly engine: ModelEngine
  readonly events: DomainEvent[]
  /** Adds rows, given as a SELECT in the engine's own SQL, in place of the files named. Answers the version. */
  write(table: string, change: BronzeChange): Promise<number>
  snapshot(table: string): Promise<Snapshot | null>
  rows(table: string, sql?: string): Promise<readonly EngineRow[]>
  build(models: readonly ModelDefinition[], options?: Partial<BuildOptions>): Promise<ModelOutcome[]>
  close(): Promise<void>
}

export interface BronzeChange {
  readonly sql: string
  readonly fields: readonly ColumnField[]
  /** Views that the SELECT reads. */
  readonly inputs?: readonly EngineInput[]
  /** Paths of files that the rows take the place of. */
  readonly removes?: readonly string[]
  readonly dataChange?: boolean
}

export interface FixtureOptions {
  /** Bronze tables and the key of their topic. */
  readonly bronze?: Readonly<Record<string, readonly string[]>>
  readonly memoryLimitBytes?: number
  readonly broadcastThresholdBytes?: number
  /** Told of each data file that is opened, by its path in the lake. */
  readonly onOpen?: (path: string) => void
  /** Told of what the engine is asked to stage. */
  readonly onStage?: (plan: StagePlan) => void
}

export async function openLake(options: FixtureOptions = {}): Promise<LakeFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-models-'))
  const lake = watched(openFilesystemStore(join(folder, 'lake')), options.onOpen)
  const own = openDuckdbEngine({
    memoryLimitBytes: options.memoryLimitBytes ?? 512 * 1024 * 1024,
    threads: 2,
    tempFolder: join(folder, 'tmp'),
  })
  const engine: ModelEngine = {
    ...own,
    stage(plan) {
      options.onStage?.(plan)
      return own.stage(plan)
    },
  }
  const events: DomainEvent[] = []
  let folders = 0
  let ids = 0
  const clock = {
    nowMs: () => Date.now(),
    newId: () => `00000000-0000-4000-8000-${String((ids += 1)).padStart(12, '0')}`,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
  }
  const tables = new Map(
    Object.entries(options.bronze ?? {}).map(([table, key]) => [table, { table, key }]),
  ) as unknown as Settings['tables']
  const settings = {
    tables,
    performance: {
      partitionSizeBytes: 64 * 1024 * 1024,
      broadcastThresholdBytes: options.broadcastThresholdBytes ?? 10 * 1024 * 1024,
    },
  } as unknown as Settings
  async function stagingFolder(): Promise<string> {
    folders += 1
    const path = join(folder, 'staging', String(folders))
    await mkdir(path, { recursive: true })
    return path
  }
  const world: BuildWorld = {
    settings,
    clock,
    events: { emit: (event) => void events.push(event) },
    runId: 'run',
    traceId: 'trace',
    lake,
    engine: () => Promise.resolve(engine),
    stagingFolder,
    signal: new AbortController().signal,
  }
  const storeOf = (table: string) => {
    const name = parseTableName(table)
    return lake.at(`${name.layer}/${name.table}`)
  }
  return {
    folder,
    world,
    engine,
    events,
    async write(table, { sql, fields, inputs = [], removes = [], dataChange = true }) {
      const store = storeOf(table)
      const snapshot = await openSnapshot(store)
      const staged = await engine.stage({
        inputs,
        steps: [],
        probes: [],
        output: { sql, fields, partitionBy: [], folder: await stagingFolder(), targetFileBytes: 1 << 28 },
      })
      const adds = []
      for (const file of staged.files) {
        adds.push(await addStagedFile({ store, staged: file, fields, partitionColumns: [], newId: clock.newId }))
      }
      const outcome = await commitTransaction({
        store,
        snapshot,
        ...(snapshot === null ? { create: { fields, partitionColumns: [], configuration: {} } } : {}),
        adds,
        removes: removes.map((path) => snapshot!.files.get(path)!),
        txns: new Map(),
        expectTxns: new Map(),
        reads: 'table',
        dataChange,
        operation: { name: 'WRITE', parameters: {}, metrics: {} },
        clock,
      })
      return outcome.version
    },
    snapshot: (table) => openSnapshot(storeOf(table)),
    async rows(table, sql = 'select * from t') {
      const store = storeOf(table)
      const snapshot = await openSnapshot(store)
      if (snapshot === null) return []
      const [rows] = await engine.ask({ inputs: [await engineInput({ name: 't', store, snapshot })], questions: [sql] })
      return (rows ?? []).map(({ _file, ...row }) => row)
    },
    build: (models, more = {}) =>
      buildModels({ world, models, select: [], fullRefresh: false, dryRun: false, ...more }),
    async close() {
      await engine.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function watched(store: ObjectStore, onOpen: FixtureOptions['onOpen'], root = ''): ObjectStore {
  if (onOpen === undefined) return store
  const own: Partial<ObjectStore> = {
    at: (below) => watched(store.at(below), onOpen, `${root}${below}/`),
    localFile(path) {
      onOpen(root + path)
      return store.localFile(path)
    },
  }
  return new Proxy(store, {
    get(_, name) {
      const value: unknown = Reflect.get(name in own ? own : store, name)
      return typeof value === 'function' ? (value.bind(store) as unknown) : value
    },
  })
}

export function model(name: string, yaml: string, sql: string | null): ModelDefinition {
  return parseModel({ name: parseTableName(name), yaml, yamlFile: `${name}.yaml`, sql, sqlFile: `${name}.sql` })
}

/** The columns that every bronze row carries and models over changes read. */
export const CHANGE_FIELDS: readonly ColumnField[] = [
  { name: '_op', type: { kind: 'string' }, nullable: true },
  { name: '_record_ts', type: { kind: 'timestamp' }, nullable: true },
  { name: '_epoch', type: { kind: 'int32' }, nullable: true },
  { name: '_partition', type: { kind: 'int32' }, nullable: true },
  { name: '_offset', type: { kind: 'int64' }, nullable: true },
]

/** Rows without the columns that begin with `_`, as texts in order: what "row for row" compares (DESIGN §1). */
export function comparable(rows: readonly EngineRow[]): readonly string[] {
  return rows
    .map((row) =>
      JSON.stringify(
        Object.entries(row).filter(([name]) => !name.startsWith('_')),
        (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
      ),
    )
    .toSorted()
}
