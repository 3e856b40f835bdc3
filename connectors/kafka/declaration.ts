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
    values: {
      kind: 'setting',
      type: { kind: 'choice', values: ['bytes', 'json', 'registry'] },
      default: 'bytes',
      meaning:
        'How values and keys are read: not at all, and copied as they are; as JSON; or by the schemas of `registry_url`. What is read travels under our own contract.',
    },
    envelope: {
      kind: 'setting',
      type: { kind: 'choice', values: ['none', 'debezium'] },
      default: 'none',
      meaning: '`debezium`: of before, after and op a row is made, and of a delete a record without a value.',
    },
    envelope_columns: {
      kind: 'setting',
      type: { kind: 'texts' },
      default: [],
      example: ['source.ts_ms'],
      meaning: 'For `debezium`: parts of the envelope that travel as columns too; `source.ts_ms` as `__source_ts_ms`.',
    },
    registry_url: {
      kind: 'setting',
      type: { kind: 'text' },
      meaning: "For `registry`: root of the API of the other side's registry, such as `http://127.0.0.1:8081`.",
    },
    registry_dir: {
      kind: 'setting',
      type: { kind: 'path' },
      meaning: 'In place of `registry_url`: the folder of the embedded registry of another project.',
    },
    registry_username: { kind: 'setting', type: { kind: 'text' }, meaning: 'User of HTTP basic authentication.' },
    registry_password: {
      kind: 'setting',
      type: { kind: 'text' },
      secret: true,
      byReference: true,
      meaning: 'Its password: `${VARIABLE}`.',
    },
    registry_ca_file: {
      kind: 'setting',
      type: { kind: 'path' },
      meaning: "PEM file of the authority of its certificate, beside the system's own.",
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
