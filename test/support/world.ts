import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openDuckdbEngine } from '../../src/adapters/duckdb/duckdb-engine.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../../src/adapters/embedded-log/embedded-log.ts'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import { openEmbeddedRegistry } from '../../src/adapters/registry/embedded-registry.ts'
import { checkEvolution } from '../../src/contract/evolution.ts'
import type { DomainEvent } from '../../src/domain/events.ts'
import type { BronzeTableSettings, Settings, SourceSettings } from '../../src/domain/settings.ts'
import { openDecodePool } from '../../src/compose/decode-pool.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { DecodePool } from '../../src/ports/decode-pool.ts'
import type { ModelEngine } from '../../src/ports/model-engine.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import type { SourceConnector } from '../../src/ports/source-connector.ts'
import type { TopicLog } from '../../src/ports/topic-log.ts'
import type { World } from '../../src/ports/world.ts'
import { loadSettings } from '../../src/settings/load-settings.ts'

/** The real adapters over one temporary folder, built by hand, so that a test can put a fault in any one of them. */
export interface TestWorld extends World {
  readonly folder: string
  readonly events: World['events'] & { readonly seen: DomainEvent[] }
  /** The log itself, without the fault that `log` may have. */
  readonly embedded: EmbeddedLog
}

export interface TestWorldOptions {
  readonly folder: string
  readonly tables?: readonly Partial<BronzeTableSettings>[]
  readonly sources?: readonly SourceSettings[]
  readonly ingest?: Partial<Settings['ingest']>
  readonly errors?: Partial<Settings['errors']>
  readonly privacy?: Partial<Settings['privacy']>
  readonly clock?: Clock
  readonly signal?: AbortSignal
  readonly lake?: (real: ObjectStore) => ObjectStore
  readonly log?: (real: EmbeddedLog) => TopicLog
  readonly decodePool?: DecodePool
  readonly connector?: (source: SourceSettings) => SourceConnector
}

/** A second call on one folder is a second process's view of it. */
export async function openTestWorld(options: TestWorldOptions): Promise<TestWorld> {
  const { folder, clock = systemClock } = options
  const embedded = await openEmbeddedLog({ dir: join(folder, 'log'), clock })
  const registry = await openEmbeddedRegistry({ dir: join(folder, 'registry'), compatible: checkEvolution, clock })
  const lakeFolder = join(folder, 'lake')
  await mkdir(lakeFolder, { recursive: true })
  const store = openFilesystemStore(lakeFolder)
  const seen: DomainEvent[] = []
  const runId = clock.newId()
  let staged = 0
  let engine: Promise<ModelEngine> | null = null
  const stagingFolder = async (purpose: string): Promise<string> => {
    staged += 1
    const path = join(folder, `staging-${runId}`, `${staged}-${purpose}`)
    await mkdir(path, { recursive: true })
    return path
  }
  const settings = await testSettings(folder, options)
  const decodePool = options.decodePool ?? openDecodePool(settings.ingest, () => stagingFolder('decode'))
  return {
    folder,
    settings,
    watermarkMirror: null,
    clock,
    signal: options.signal ?? new AbortController().signal,
    runId,
    traceId: clock.newId().replaceAll('-', ''),
    events: { seen, emit: (event) => seen.push(event) },
    embedded,
    log: options.log?.(embedded) ?? embedded,
    assignment: embedded,
    registry,
    decodePool,
    lake: options.lake?.(store) ?? store,
    storeAt: (uri) => openFilesystemStore(uri),
    storeRequests: new Map(),
    engine() {
      engine ??= stagingFolder('engine').then((tempFolder) =>
        openDuckdbEngine({ memoryLimitBytes: 256 * 2 ** 20, threads: 2, tempFolder }),
      )
      return engine
    },
    connector: (source) => {
      if (options.connector === undefined) throw new Error(`no connector for ${source.name} in this test`)
      return options.connector(source)
    },
    stagingFolder,
    async close() {
      await decodePool.close()
      await (await engine)?.close()
      await registry.close()
      await embedded.close()
    },
  }
}

export const ORDERS: BronzeTableSettings = {
  table: 'orders',
  topic: 'orders',
  subject: 'orders-value',
  pinnedVersion: null,
  onUnknownField: 'rescue',
  key: ['id'],
}

/** The defaults of every setting, but for what a test says. */
async function testSettings(
  folder: string,
  { tables = [{}], sources = [], ingest, errors, privacy }: TestWorldOptions,
): Promise<Settings> {
  const file = join(folder, `defaults-${crypto.randomUUID()}.yaml`)
  await writeFile(
    file,
    'lake: {uri: lake}\nbroker: {kind: embedded, dir: log}\nregistry: {kind: embedded, dir: registry}\n',
  )
  const defaults = loadSettings({ file, sets: [], env: {}, cwd: folder, connectors: [] })
  const bronze = tables.map((table): BronzeTableSettings => ({ ...ORDERS, ...table }))
  return {
    ...defaults,
    sources: new Map(sources.map((source) => [source.name, source])),
    tables: new Map(bronze.map((table) => [table.table, table])),
    ingest: { ...defaults.ingest, ...ingest },
    errors: { ...defaults.errors, retentionMs: null, ...errors },
    privacy: { ...defaults.privacy, ...privacy },
  }
}
