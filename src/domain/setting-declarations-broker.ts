import { group, setting, type SettingGroup } from './setting-declarations.ts'

/** `broker:`, the log that records travel through. */
export function declareBroker(): SettingGroup {
  return group('The log that records travel through.', {
    kind: setting({
      type: { kind: 'choice', values: ['embedded', 'kafka'] },
      default: 'embedded',
      meaning: 'Which broker.',
    }),
    dir: setting({ type: { kind: 'path' }, default: '.sluice/log', meaning: 'Folder of the embedded log.' }),
    brokers: setting({
      type: { kind: 'text' },
      example: 'kafka-1:9092,kafka-2:9092',
      meaning: 'For `kafka`: any of the cluster, `host:port` with commas between.',
    }),
    tls: group('For `kafka`: encryption.', {
      enabled: setting({ type: { kind: 'boolean' }, default: false, meaning: 'Whether brokers are reached by TLS.' }),
      ca: setting({ type: { kind: 'path' }, meaning: 'PEM file of the authority (default: those of the system).' }),
      cert: setting({ type: { kind: 'path' }, meaning: 'PEM file of our own certificate, for mutual TLS.' }),
      key: setting({ type: { kind: 'path' }, meaning: 'PEM file of its key.' }),
    }),
    sasl: group('For `kafka`: the login.', {
      mechanism: setting({
        type: { kind: 'choice', values: ['none', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] },
        default: 'none',
        meaning: 'How we say who we are.',
      }),
      username: setting({ type: { kind: 'text' }, meaning: 'For PLAIN and SCRAM.' }),
      password: setting({
        type: { kind: 'text' },
        secret: true,
        byReference: true,
        meaning: 'For PLAIN and SCRAM: `${VARIABLE}`.',
      }),
      token: setting({
        type: { kind: 'text' },
        secret: true,
        byReference: true,
        meaning: 'For OAUTHBEARER: `${VARIABLE}`.',
      }),
    }),
    compression: setting({
      type: { kind: 'choice', values: ['none', 'gzip', 'snappy', 'lz4', 'zstd'] },
      default: 'lz4',
      meaning: 'For `kafka`: how records that we append are packed; all are read.',
    }),
    replication_factor: setting({
      type: { kind: 'integer', min: 1, max: 32 },
      meaning: "For `kafka`: of topics that we make (default: the broker's).",
    }),
    prefix: setting({
      type: { kind: 'text' },
      default: 'sluice.',
      meaning: 'For `kafka`: what consumer groups and transactional ids begin with, so that ACLs can allow them.',
    }),
    instance_id: setting({
      type: { kind: 'text' },
      meaning:
        'For `kafka`: static membership: a process that comes back under this name keeps its share. One a process: of two the later one stays.',
    }),
    session_timeout: setting({
      type: { kind: 'duration', forever: false },
      default: '30s',
      meaning:
        'For `kafka`: others take over from a process that was not heard of for so long (brokers take 6s or more, if not told otherwise).',
    }),
  })
}
