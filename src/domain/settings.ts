import type { UnknownFieldMode } from './contract.ts'
import type { Expectation, Suite } from './expectation.ts'

/** How a Kafka cluster is reached. */
export interface KafkaBrokerSettings {
  readonly kind: 'kafka'
  /** `host:port`. */
  readonly brokers: readonly string[]
  /** Files in PEM. */
  readonly tls: { readonly ca: string | null; readonly cert: string | null; readonly key: string | null } | null
  readonly sasl:
    | {
        readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
        readonly username: string
        readonly password: string
      }
    | { readonly mechanism: 'OAUTHBEARER'; readonly token: string }
    | null
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly replicationFactor: number | null
  readonly prefix: string
  readonly instanceId: string | null
  readonly sessionTimeoutMs: number
  /** Compacted; what sources have reached. */
  readonly stateTopic: string
}

/** Settings as the rooms receive them: parsed, checked, paths absolute, durations in ms, sizes in bytes. */
export interface Settings {
  /** The file that was loaded, absolute. */
  readonly file: string
  readonly lake: {
    /** A folder, absolute, or `s3://bucket/prefix`. */
    readonly uri: string
    /** Local folder for staged files and copies of data files, where the lake is no folder. */
    readonly workDir: string
    readonly cacheBytes: number
    readonly s3: S3Settings
  }
  readonly broker: { readonly kind: 'embedded'; readonly dir: string } | KafkaBrokerSettings
  readonly registry: RegistrySettings
  /** Where watermarks are published for others to read. */
  readonly watermarkMirror: WatermarkMirrorSettings
  readonly paths: {
    readonly schemas: string
    readonly models: string
    /** The suites; a file that is not there holds none. */
    readonly dq: string
    /** SQL files that `demo` asks at its end. */
    readonly questions: string | null
  }
  /** What tables are held to, by `layer.table`. */
  readonly suites: ReadonlyMap<string, Suite>
  readonly sources: ReadonlyMap<string, SourceSettings>
  readonly topics: ReadonlyMap<string, TopicSettings>
  /** Bronze tables by name. */
  readonly tables: ReadonlyMap<string, BronzeTableSettings>
  readonly ingest: {
    readonly flushBytes: number
    readonly flushAgeMs: number
    readonly memoryLimitBytes: number
    readonly fetchBytes: number
    readonly maxRecordBytes: number
    readonly maxBatchBytes: number
    /** Threads that judge and write beside the one that reads; 0 for none. */
    readonly workers: number
  }
  /** What a process that stays does by interval, and how long it may take to end. */
  readonly jobs: {
    readonly build: { readonly everyMs: number }
    readonly optimize: UpkeepSettings
    readonly vacuum: UpkeepSettings & { readonly retainMs: number; readonly allowShort: boolean }
  }
  readonly cost: CostSettings
  readonly up: { readonly graceMs: number }
  readonly engine: { readonly memoryLimitBytes: number; readonly threads: number }
  readonly errors: {
    readonly retentionMs: number | null
    readonly sealKey: string | null
    /** Earlier seal keys: they open letters and seal none. */
    readonly oldSealKeys: readonly string[]
    readonly copyToTopic: boolean
  }
  readonly privacy: {
    /** What `on_ingest: hash` hashes under. */
    readonly hashKey: string | null
  }
  readonly performance: {
    readonly partitionSizeBytes: number
    /** Up to here a table that is looked up at several places is held; 0: none is. */
    readonly broadcastThresholdBytes: number
  }
  readonly service: { readonly host: string; readonly port: number; readonly token: string | null }
  readonly lineage: LineageSettings
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent' }
}

/** Jobs that keep tables small and fast. */
export const KEEP_JOBS = ['optimize', 'vacuum'] as const
export type KeepJob = (typeof KEEP_JOBS)[number]

export interface UpkeepSettings {
  /** Null: never. */
  readonly everyMs: number | null
  /** Of one run. */
  readonly maxMs: number
  readonly maxBytes: number
}

/** Prices, in one currency. */
export interface CostSettings {
  readonly currency: string
  readonly storageGbMonth: number
  readonly readsPer1000: number
  readonly writesPer1000: number
  readonly listsPer1000: number
  /** Of all tables. */
  readonly budgetPerMonth: number | null
}

export type RegistrySettings =
  | { readonly kind: 'embedded'; readonly dir: string }
  | {
      readonly kind: 'confluent'
      /** Without a slash at its end. */
      readonly url: string
      readonly username: string | null
      readonly password: string | null
      readonly caFile: string | null
      readonly timeoutMs: number
    }

export type WatermarkMirrorSettings = { readonly kind: 'none' } | SsmMirrorSettings

/** Null: as the AWS SDK finds it (environment, profile, instance). */
export interface SsmMirrorSettings {
  readonly kind: 'ssm'
  /** Begins with a slash. */
  readonly prefix: string
  readonly region: string | null
  readonly endpoint: string | null
  readonly profile: string | null
}

/** How S3 is reached. Null: as the AWS SDK finds it (environment, profile, instance). */
export interface S3Settings {
  readonly region: string | null
  readonly endpoint: string | null
  readonly forcePathStyle: boolean
  readonly profile: string | null
  readonly accessKeyId: string | null
  readonly secretAccessKey: string | null
  readonly sessionToken: string | null
  readonly encryption: 'none' | 'AES256' | 'aws:kms'
  readonly kmsKeyId: string | null
}

/** Where lineage goes; `namespace` is that of jobs. */
export type LineageSettings =
  | { readonly kind: 'none' }
  | { readonly kind: 'file'; readonly path: string; readonly namespace: string }
  | { readonly kind: 'http'; readonly url: string; readonly apiKey: string | null; readonly namespace: string }

export interface SourceSettings {
  readonly name: string
  readonly connector: string
  readonly topic: string
  /** Columns whose values make the record's key; one column stands as its text, several as a JSON array. */
  readonly key: readonly string[]
  readonly pollIntervalMs: number
  /** What only this connector knows, checked by its own declaration; paths absolute. */
  readonly options: Readonly<Record<string, string | number | boolean | readonly string[] | null>>
}

export interface TopicSettings {
  readonly topic: string
  readonly partitions: number
  readonly retentionMs: number | null
}

export interface BronzeTableSettings {
  readonly table: string
  readonly topic: string
  readonly subject: string
  /** A pinned version (`orders-value@3`), or null for the latest. */
  readonly pinnedVersion: number | null
  readonly onUnknownField: UnknownFieldMode
  /** Columns that a tombstone's key fills; by default the key of the sources that feed the topic. */
  readonly key: readonly string[]
  /** Expectations of its suite that each record alone keeps or breaks: part of the contract check. */
  readonly recordRules?: readonly Expectation[]
}
