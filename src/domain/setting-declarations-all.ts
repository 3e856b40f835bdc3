import { lakeSettings, registrySettings, watermarkMirrorSettings } from './place-declarations.ts'
import { declareBroker } from './setting-declarations-broker.ts'
import { declareCost, declareJobs } from './setting-declarations-keep.ts'
import { group, setting, size } from './setting-declarations.ts'
import type { ConnectorDeclaration, SettingGroup } from './setting-declarations.ts'

/** Every setting that this build has, with the options of the given connectors. */
export function declareSettings(connectors: readonly ConnectorDeclaration[]): SettingGroup {
  return group('Settings of a Sluice project.', {
    extends: setting({
      type: { kind: 'path' },
      meaning: 'Another settings file; this one is merged over it, map by map.',
    }),
    lake: lakeSettings(),
    broker: declareBroker(),
    registry: registrySettings(),
    state: group("Where a source's progress is kept.", {
      kind: setting({
        type: { kind: 'choice', values: ['topic'] },
        default: 'topic',
        meaning:
          'In the log itself, moved by the same append as the records: with Kafka a compacted topic, in one transaction with them.',
      }),
      topic: setting({
        type: { kind: 'text' },
        default: '_sluice.state',
        meaning: 'With Kafka: the compacted topic; projects whose sources share names need one each.',
      }),
    }),
    watermark_mirror: watermarkMirrorSettings(),
    paths: group('Files of the project.', {
      schemas: setting({ type: { kind: 'path' }, default: 'schemas', meaning: 'Folder of the proposed contracts.' }),
      models: setting({ type: { kind: 'path' }, default: 'models', meaning: 'Folder of the models.' }),
      dq: setting({
        type: { kind: 'path' },
        default: 'dq.yaml',
        meaning: 'Suites of expectations by table; `dq_thresholds.yaml` beside it holds the bounds that they share.',
      }),
      questions: setting({
        type: { kind: 'path' },
        meaning: 'Folder of SQL files that `demo` asks at its end; the first line of each is its title.',
      }),
    }),
    sources: {
      kind: 'map',
      meaning: 'Where records come from.',
      of: 'source',
      entry: group('One source.', {
        connector: setting({
          type: { kind: 'choice', values: connectors.map((c) => c.connector) },
          required: true,
          meaning: 'Which connector reads it.',
        }),
        topic: setting({ type: { kind: 'text' }, required: true, meaning: 'The topic that its records go to.' }),
        key: setting({
          type: { kind: 'columns' },
          default: [],
          example: ['id'],
          meaning: "Columns whose values make the record's key; records of one key keep their order.",
        }),
        poll_interval: setting({
          type: { kind: 'duration', forever: false },
          default: '1m',
          meaning: 'How often `up` reads it.',
        }),
      }),
      variants: { by: 'connector', fields: Object.fromEntries(connectors.map((c) => [c.connector, c.options])) },
    },
    topics: {
      kind: 'map',
      meaning: 'Topics that are made where they are missing.',
      of: 'topic',
      entry: group('One topic.', {
        partitions: setting({
          type: { kind: 'integer', min: 1, max: 1024 },
          default: 1,
          meaning: 'How many partitions it is made with.',
        }),
        retention: setting({
          type: { kind: 'duration', forever: true },
          default: '7d',
          meaning: 'How long records are kept; `forever` keeps all.',
        }),
      }),
    },
    tables: group('Tables that records land in.', {
      bronze: {
        kind: 'map',
        meaning: 'Bronze tables.',
        of: 'table',
        entry: group('One bronze table.', {
          topic: setting({ type: { kind: 'text' }, required: true, meaning: 'The topic that it lands.' }),
          contract: setting({
            type: { kind: 'text' },
            meaning:
              'Subject in the registry (default: the topic with `-value`), or one version of it: `orders-value@3`.',
          }),
          on_unknown_field: setting({
            type: { kind: 'choice', values: ['rescue', 'reject', 'evolve'] },
            default: 'rescue',
            meaning: 'Fields that the contract does not know: keep aside, refuse the record, or add a column.',
          }),
          key: setting({
            type: { kind: 'columns' },
            meaning: "Columns that a deletion's key fills (default: the key of the sources of the topic).",
          }),
        }),
      },
    }),
    ingest: group('Topics to bronze.', {
      flush_mb: size(64, 'A table is committed once this much of its records is held.'),
      flush_age: setting({
        type: { kind: 'duration', forever: false },
        default: '30s',
        meaning: 'A table is committed once its oldest held record is this old.',
      }),
      memory_limit_mb: size(512, 'Upper bound of what is held over all tables.'),
      fetch_mb: size(4, 'How much one fetch from a partition may bring.'),
      max_record_mb: size(16, 'A record larger than this goes to the error lane.'),
      max_batch_mb: size(
        32,
        'Records that the log stores together in more than this, unpacked, are not read; they go to the error lane without their bytes.',
      ),
      workers: setting({
        type: { kind: 'integer', min: 0, max: 64 },
        default: 0,
        meaning: 'Threads that judge and write beside the one that reads; 0: none.',
      }),
    }),
    jobs: declareJobs(),
    cost: declareCost(),
    up: group('The process that stays.', {
      grace: setting({
        type: { kind: 'duration', forever: false },
        default: '30s',
        meaning:
          'How long after SIGTERM it may go on to commit what it holds; what is not done then is left to the next run.',
      }),
    }),
    engine: group('The engine that runs models and queries.', {
      memory_limit_mb: size(256, 'Memory that the engine may use before it spills to disk.'),
      threads: setting({
        type: { kind: 'integer', min: 1, max: 256 },
        default: 2,
        meaning: 'Threads of the engine.',
      }),
    }),
    errors: group('The error lanes.', {
      retention: setting({
        type: { kind: 'duration', forever: true },
        default: '30d',
        meaning: 'How long dead letters are kept; `forever` keeps all.',
      }),
      seal_key: setting({
        type: { kind: 'text' },
        secret: true,
        meaning: 'Seals what a dead letter holds of personal data; needed where a contract tags any.',
      }),
      old_seal_keys: setting({
        type: { kind: 'texts' },
        secret: true,
        meaning: 'Earlier seal keys, so that letters which they sealed can still be opened.',
      }),
      copy_to_topic: setting({
        type: { kind: 'boolean' },
        default: true,
        meaning: 'Copy dead letters to `<topic>.errors` too.',
      }),
    }),
    privacy: group('Personal data.', {
      hash_key: setting({
        type: { kind: 'text' },
        secret: true,
        byReference: true,
        meaning:
          'What fields with `on_ingest: hash` are hashed under: `${VARIABLE}`, 16 characters or more; another key makes other tokens.',
      }),
    }),
    performance: group('Sizes of files and of what is held.', {
      partition_size_mb: size(128, 'Target size of a data file.'),
      broadcast_threshold_mb: setting({
        type: { kind: 'size_mb', min: 0 },
        default: 10,
        meaning:
          'A table that a model looks up more than once for the same rows is read once and held where its files are no larger than this; `broadcast` of the lookup decides in its place.',
      }),
    }),
    service: group('The HTTP service of `up`: /metrics, /healthz, /readyz, a page and /api.', {
      host: setting({
        type: { kind: 'text' },
        default: '127.0.0.1',
        meaning: 'Address to listen on; elsewhere than on loopback the page and /api need the token.',
      }),
      port: setting({
        type: { kind: 'integer', min: 0, max: 65_535 },
        default: 8080,
        meaning: 'Port to listen on; 0 takes a free one.',
      }),
      token: setting({
        type: { kind: 'text' },
        secret: true,
        meaning: 'What `Authorization: Bearer …` must hold; needed where the host is not loopback.',
      }),
    }),
    lineage: group('OpenLineage events of every job.', {
      kind: setting({
        type: { kind: 'choice', values: ['none', 'file', 'http'] },
        default: 'none',
        meaning: 'Where they go.',
      }),
      path: setting({ type: { kind: 'path' }, meaning: 'For `file`: JSON lines are added to it.' }),
      url: setting({
        type: { kind: 'text' },
        meaning: 'For `http`: where each event is sent by POST, such as `http://marquez:5000/api/v1/lineage`.',
      }),
      api_key: setting({ type: { kind: 'text' }, secret: true, meaning: 'For `http`: sent as a bearer token.' }),
      namespace: setting({ type: { kind: 'text' }, default: 'sluice', meaning: 'Namespace of the jobs.' }),
    }),
    log: group('Logs, one JSON object a line on stderr.', {
      level: setting({
        type: { kind: 'choice', values: ['auto', 'debug', 'info', 'warn', 'error', 'silent'] },
        default: 'auto',
        meaning:
          'The least grave level that is written; `auto` is `info` for verbs that change data, but for `demo`, where no terminal is, else `warn`.',
      }),
    }),
  })
}
