import type { UnknownFieldMode } from '../domain/contract.ts'
import type { ConnectorDeclaration } from '../domain/setting-declarations.ts'
import { declareSettings } from '../domain/setting-declarations-all.ts'
import type {
  BronzeTableSettings,
  KeepJob,
  LineageSettings,
  Settings,
  SourceSettings,
  TopicSettings,
  UpkeepSettings,
} from '../domain/settings.ts'
import { isRecordRule } from '../domain/expectation.ts'
import { toBroker } from './broker-settings.ts'
import { loadSuites, type Suites } from './dq-file.ts'
import { checkReferences } from './resolve/check-settings.ts'
import { findSettingsFile } from './find-settings.ts'
import { problemsError } from './resolve/problem.ts'
import { resolveSettings } from './resolve/resolve-settings.ts'
import type { Resolved } from './resolve/resolve-settings.ts'
import { toLake, toRegistry, toWatermarkMirror } from './place-settings.ts'
import { entryFields } from './resolve/entry-fields.ts'
import { SettingReader } from './setting-reader.ts'
import { applySets, readSettingsTree } from './yaml/settings-tree.ts'
import type { Environment } from './yaml/variables.ts'

export interface SettingsInput {
  /** The value of `--config`, relative to `cwd`; absent: see `findSettingsFile`. */
  readonly file?: string | null
  /** `key.path=value`, in order. */
  readonly sets: readonly string[]
  readonly env: Environment
  readonly cwd: string
  /** What each connector adds to a source; compose knows them. */
  readonly connectors: readonly ConnectorDeclaration[]
  /** What `log.level: auto` stands for: a person watches stderr, or the verb only looks. */
  readonly quiet?: boolean
}

/** Throws FILE_UNREADABLE, YAML_INVALID, SETTINGS_INVALID or USAGE; nothing but the files is touched. */
export function loadSettings(input: SettingsInput): Settings {
  return loadResolved(input).settings
}

export interface LoadedSettings {
  readonly settings: Settings
  readonly resolved: Resolved
}

export function loadResolved(input: SettingsInput): LoadedSettings {
  const file = findSettingsFile(input.file ?? null, input.env, input.cwd)
  const declared = declareSettings(input.connectors)
  const tree = applySets(readSettingsTree(file, input.env), input.sets, (path) => entryFields(declared, path))
  const resolved = resolveSettings({ ...tree, at: { file, line: 1 } }, declared, input)
  const [first, ...others] = resolved.problems
  if (first !== undefined) throw problemsError([first, ...others])
  const settings = toSettings(file, new SettingReader(resolved), input)
  const [wrong, ...more] = checkReferences(settings, resolved)
  if (wrong !== undefined) throw problemsError([wrong, ...more])
  return { settings, resolved }
}

function toSettings(file: string, read: SettingReader, input: SettingsInput): Settings {
  const sources = new Map(read.names('sources').map((name) => [name, toSource(name, read, input)]))
  const level = read.text('log', 'level')
  const suites = loadSuites(read.text('paths', 'dq'))
  return {
    file,
    lake: toLake(read),
    broker: toBroker(read),
    registry: toRegistry(read),
    watermarkMirror: toWatermarkMirror(read),
    paths: {
      schemas: read.text('paths', 'schemas'),
      models: read.text('paths', 'models'),
      dq: read.text('paths', 'dq'),
      questions: read.textOrNull('paths', 'questions'),
    },
    suites,
    sources,
    topics: new Map(read.names('topics').map((name) => [name, toTopic(name, read)])),
    tables: new Map(read.names('tables', 'bronze').map((name) => [name, toTable(name, read, { sources, suites })])),
    ingest: {
      flushBytes: read.number('ingest', 'flush_mb'),
      flushAgeMs: read.number('ingest', 'flush_age'),
      memoryLimitBytes: read.number('ingest', 'memory_limit_mb'),
      fetchBytes: read.number('ingest', 'fetch_mb'),
      maxRecordBytes: read.number('ingest', 'max_record_mb'),
      maxBatchBytes: read.number('ingest', 'max_batch_mb'),
      workers: read.number('ingest', 'workers'),
    },
    jobs: {
      build: { everyMs: read.number('jobs', 'build', 'every') },
      optimize: toUpkeep('optimize', read),
      vacuum: {
        ...toUpkeep('vacuum', read),
        retainMs: read.number('jobs', 'vacuum', 'retain'),
        allowShort: read.value('jobs', 'vacuum', 'allow_short') === true,
      },
    },
    cost: {
      currency: read.text('cost', 'currency'),
      storageGbMonth: read.number('cost', 'storage_per_gb_month'),
      readsPer1000: read.number('cost', 'reads_per_1000'),
      writesPer1000: read.number('cost', 'writes_per_1000'),
      listsPer1000: read.number('cost', 'lists_per_1000'),
      budgetPerMonth: read.numberOrNull('cost', 'budget_per_month'),
    },
    up: { graceMs: read.number('up', 'grace') },
    engine: { memoryLimitBytes: read.number('engine', 'memory_limit_mb'), threads: read.number('engine', 'threads') },
    errors: {
      retentionMs: read.numberOrNull('errors', 'retention'),
      sealKey: read.textOrNull('errors', 'seal_key'),
      oldSealKeys: read.list('errors', 'old_seal_keys') ?? [],
      copyToTopic: read.value('errors', 'copy_to_topic') === true,
    },
    privacy: { hashKey: read.textOrNull('privacy', 'hash_key') },
    performance: {
      partitionSizeBytes: read.number('performance', 'partition_size_mb'),
      broadcastThresholdBytes: read.number('performance', 'broadcast_threshold_mb'),
    },
    service: {
      host: read.text('service', 'host'),
      port: read.number('service', 'port'),
      token: noneWhereEmpty(read.textOrNull('service', 'token')),
    },
    lineage: toLineage(read),
    log: { level: level === 'auto' ? (input.quiet === true ? 'warn' : 'info') : (level as Settings['log']['level']) },
  }
}

function toLineage(read: SettingReader): LineageSettings {
  const kind = read.text('lineage', 'kind') as LineageSettings['kind']
  const namespace = read.text('lineage', 'namespace')
  switch (kind) {
    case 'none':
      return { kind }
    case 'file':
      return { kind, namespace, path: read.textOrNull('lineage', 'path') ?? '' }
    case 'http':
      return {
        kind,
        namespace,
        url: read.textOrNull('lineage', 'url') ?? '',
        apiKey: noneWhereEmpty(read.textOrNull('lineage', 'api_key')),
      }
  }
}

/** `${VAR:}` where the variable is not set. */
function noneWhereEmpty(text: string | null): string | null {
  return text === '' ? null : text
}

/** Every source has it; a connector may declare it again with a default of its own. */
const POLL_INTERVAL = 'poll_interval'

function toSource(name: string, read: SettingReader, input: SettingsInput): SourceSettings {
  const connector = read.text('sources', name, 'connector')
  const options = input.connectors.find((declared) => declared.connector === connector)?.options ?? {}
  const own = Object.keys(options).filter((key) => key !== POLL_INTERVAL)
  return {
    name,
    connector,
    topic: read.text('sources', name, 'topic'),
    key: keyOf(name, read),
    pollIntervalMs: read.number('sources', name, POLL_INTERVAL),
    options: Object.fromEntries(own.map((key) => [key, read.value('sources', name, key)])),
  }
}

/** Of a database's table, the key of its rows where no other was written. */
function keyOf(name: string, read: SettingReader): readonly string[] {
  const written = read.list('sources', name, 'key') ?? []
  return written.length > 0 ? written : (read.list('sources', name, 'primary_key') ?? [])
}

function toUpkeep(job: KeepJob, read: SettingReader): UpkeepSettings {
  return {
    everyMs: read.numberOrNull('jobs', job, 'every'),
    maxMs: read.number('jobs', job, 'max_time'),
    maxBytes: read.number('jobs', job, 'max_mb'),
  }
}

function toTopic(topic: string, read: SettingReader): TopicSettings {
  return {
    topic,
    partitions: read.number('topics', topic, 'partitions'),
    retentionMs: read.numberOrNull('topics', topic, 'retention'),
  }
}

interface TableContext {
  readonly sources: ReadonlyMap<string, SourceSettings>
  readonly suites: Suites
}

function toTable(table: string, read: SettingReader, { sources, suites }: TableContext): BronzeTableSettings {
  const topic = read.text('tables', 'bronze', table, 'topic')
  const contract = read.textOrNull('tables', 'bronze', table, 'contract') ?? `${topic}-value`
  const pin = /^(.*)@(\d{1,9})$/.exec(contract)
  const recordRules = (suites.get(`bronze.${table}`)?.expectations ?? []).filter(isRecordRule)
  const feeding = [...sources.values()].find((source) => source.topic === topic)
  return {
    table,
    topic,
    subject: pin?.[1] ?? contract,
    pinnedVersion: pin === null ? null : Number(pin[2]),
    onUnknownField: read.text('tables', 'bronze', table, 'on_unknown_field') as UnknownFieldMode,
    key: read.list('tables', 'bronze', table, 'key') ?? feeding?.key ?? [],
    ...(recordRules.length === 0 ? {} : { recordRules }),
  }
}
