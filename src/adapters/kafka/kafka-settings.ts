/** How to reach a cluster, and how to behave there. Secrets come resolved; nothing here is ever logged. */
export interface KafkaSettings {
  /** `host:port`, any of the cluster's. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly tls: KafkaTls | null
  readonly sasl: KafkaSasl | null
  readonly compression: KafkaCompression
  /** Of topics that are created; null leaves it to the broker. */
  readonly replicationFactor: number | null
  /** Compacted; holds what sources have reached. */
  readonly stateTopic: string
  /** Before the names of consumer groups and transactional ids, so that they can be allowed by prefix. */
  readonly prefix: string
  /** Consumer group of the processes that share one lake's work. */
  readonly membersGroup: string
  /** Static membership: a member that comes back under its name within the session keeps what it had. */
  readonly instanceId: string | null
  readonly sessionTimeoutMs: number
  readonly heartbeatMs: number
  /** How long a request is tried again before it fails as LOG_UNAVAILABLE. */
  readonly retryMs: number
  /** A record batch that unpacks to more is kept back, whoever reads it: its records are not handed out. */
  readonly maxBatchBytes: number
}

export interface KafkaTls {
  /** Files in PEM; null trusts what the system trusts. */
  readonly ca: string | null
  readonly cert: string | null
  readonly key: string | null
}

export type KafkaSasl =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly username: string
      readonly password: string
    }
  | { readonly mechanism: 'OAUTHBEARER'; readonly token: string }

export type KafkaCompression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export const KAFKA_DEFAULTS = {
  clientId: 'sluice',
  tls: null,
  sasl: null,
  compression: 'lz4',
  replicationFactor: null,
  stateTopic: '_sluice.state',
  prefix: 'sluice.',
  instanceId: null,
  sessionTimeoutMs: 30_000,
  heartbeatMs: 1_000,
  retryMs: 15_000,
  maxBatchBytes: 128 * 1024 * 1024,
} as const satisfies Omit<KafkaSettings, 'brokers' | 'membersGroup'>
