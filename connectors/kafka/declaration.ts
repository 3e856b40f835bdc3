import type { ConnectorDeclaration } from '../../src/domain/setting-declarations.ts'

/** What `connector: kafka` adds to an entry of `sources:`. */
export const kafkaDeclaration: ConnectorDeclaration = {
  connector: 'kafka',
  meaning: 'Topics of another cluster, copied as they are or out of the envelopes of Debezium and Kafka Connect.',
  options: {
    brokers: {
      kind: 'setting',
      type: { kind: 'text' },
      example: 'kafka-1.other:9092',
      meaning: 'Any of the other cluster, `host:port` with commas between.',
    },
    log_dir: {
      kind: 'setting',
      type: { kind: 'path' },
      meaning: 'In place of `brokers`: the folder of the embedded log of another project.',
    },
    from_topics: {
      kind: 'setting',
      type: { kind: 'texts' },
      required: true,
      example: ['shop.public.orders'],
      meaning: 'The topics that are copied, one after the other.',
    },
    start_at: {
      kind: 'setting',
      type: { kind: 'choice', values: ['earliest', 'latest'] },
      default: 'earliest',
      meaning: 'Where a topic is begun that was never read: at its first record, or behind its last.',
    },
    max_record_mb: {
      kind: 'setting',
      type: { kind: 'size_mb', min: 0.001 },
      default: 16,
      meaning:
        'A record larger than this goes to the error lane; so do, without their bytes, records stored together in more than twice as much, or 32.',
    },
    tls: {
      kind: 'setting',
      type: { kind: 'boolean' },
      default: false,
      meaning: 'Whether its brokers are reached by TLS.',
    },
    tls_ca: {
      kind: 'setting',
      type: { kind: 'path' },
      meaning: 'PEM file of their authority (default: those of the system).',
    },
    tls_cert: {
      kind: 'setting',
      type: { kind: 'path' },
      meaning: 'PEM file of our own certificate, for mutual TLS.',
    },
    tls_key: { kind: 'setting', type: { kind: 'path' }, meaning: 'PEM file of its key.' },
    sasl_mechanism: {
      kind: 'setting',
      type: { kind: 'choice', values: ['none', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] },
      default: 'none',
      meaning: 'How we say who we are.',
    },
    sasl_username: { kind: 'setting', type: { kind: 'text' }, meaning: 'For PLAIN and SCRAM.' },
    sasl_password: {
      kind: 'setting',
      type: { kind: 'text' },
      secret: true,
      byReference: true,
      meaning: 'For PLAIN and SCRAM: `${VARIABLE}`.',
    },
    sasl_token: {
      kind: 'setting',
      type: { kind: 'text' },
      secret: true,
      byReference: true,
      meaning: 'For OAUTHBEARER: `${VARIABLE}`.',
    },
    poll_interval: {
      kind: 'setting',
      type: { kind: 'duration', forever: false },
      default: '10s',
      meaning: 'How often `up` looks for new records.',
    },
  },
}
