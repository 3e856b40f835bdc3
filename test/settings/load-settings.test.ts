import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { SluiceError } from '../../src/domain/errors.ts'
import type { ErrorCode, ErrorWhere } from '../../src/domain/errors.ts'
import { loadSettings } from '../../src/settings/load-settings.ts'
import type { SettingsInput } from '../../src/settings/load-settings.ts'
import { makeProject, WHOLE } from './project.ts'

function refusal(input: SettingsInput): SluiceError {
  try {
    loadSettings(input)
  } catch (error) {
    assert.ok(error instanceof SluiceError, String(error))
    return error
  }
  assert.fail('the settings were accepted')
}

function assertRefused(
  t: TestContext,
  text: string,
  expected: { code?: ErrorCode; message: RegExp; where?: ErrorWhere; sets?: string[]; env?: Record<string, string> },
): void {
  const project = makeProject(t, { 'sluice.yaml': text })
  const error = refusal(project.input({ sets: expected.sets ?? [], env: expected.env ?? {} }))
  assert.equal(error.code, expected.code ?? 'SETTINGS_INVALID')
  assert.match(error.message, expected.message)
  if (expected.where !== undefined) {
    assert.deepEqual(error.where, { file: join(project.folder, 'sluice.yaml'), ...expected.where })
  }
}

test('durations become ms, sizes bytes, paths absolute, and what is not written has its default', (t) => {
  const project = makeProject(t, { 'sluice.yaml': `${WHOLE}ingest: {flush_mb: 0.5, flush_age: 1.5m}\n` })
  const settings = loadSettings(project.input())
  assert.equal(settings.file, join(project.folder, 'sluice.yaml'))
  assert.equal(settings.lake.uri, join(project.folder, 'lake'))
  assert.deepEqual(settings.broker, { kind: 'embedded', dir: join(project.folder, '.sluice/log') })
  assert.equal(settings.ingest.flushBytes, 524_288)
  assert.equal(settings.ingest.flushAgeMs, 90_000)
  assert.equal(settings.ingest.memoryLimitBytes, 536_870_912)
  assert.deepEqual(settings.topics.get('orders'), { topic: 'orders', partitions: 4, retentionMs: 604_800_000 })
  const source = settings.sources.get('shop')
  assert.equal(source?.options['path'], join(project.folder, 'data'))
  assert.deepEqual(source?.key, ['id'])
  assert.deepEqual(settings.tables.get('orders'), {
    table: 'orders',
    topic: 'orders',
    subject: 'orders-value',
    pinnedVersion: null,
    onUnknownField: 'rescue',
    key: ['id'],
  })
  assert.equal(settings.log.level, 'info')
  assert.equal(loadSettings(project.input({ quiet: true })).log.level, 'warn')
})

test('a contract may be pinned to a version', (t) => {
  const project = makeProject(t, {
    'sluice.yaml': WHOLE.replace('{topic: orders}', '{topic: orders, contract: sales@3}'),
  })
  const table = loadSettings(project.input()).tables.get('orders')
  assert.deepEqual([table?.subject, table?.pinnedVersion], ['sales', 3])
})

test('retention forever keeps all', (t) => {
  const project = makeProject(t, { 'sluice.yaml': `${WHOLE.replace('7d', 'forever')}errors: {retention: forever}\n` })
  const settings = loadSettings(project.input())
  assert.equal(settings.topics.get('orders')?.retentionMs, null)
  assert.equal(settings.errors.retentionMs, null)
})

test('a file laid over another overrides key by key, and each path starts at the file that writes it', (t) => {
  const project = makeProject(t, {
    'base/all.yaml': WHOLE,
    'config/dev.yaml': 'extends: ../base/all.yaml\nsources: {shop: {path: mine}}\ntopics: {orders: {partitions: 2}}\n',
  })
  const settings = loadSettings(project.input())
  assert.equal(settings.sources.get('shop')?.options['path'], join(project.folder, 'config/mine'))
  assert.equal(settings.lake.uri, join(project.folder, 'base/lake'))
  assert.equal(settings.topics.get('orders')?.partitions, 2)
  assert.equal(settings.topics.get('orders')?.retentionMs, 604_800_000)
})

test('a variable that an overridden value needs may be missing', (t) => {
  const project = makeProject(t, {
    'base.yaml': WHOLE.replace('uri: lake', 'uri: "${NOT_SET}"'),
    'sluice.yaml': 'extends: base.yaml\nlake: {uri: other}\n',
  })
  assert.equal(loadSettings(project.input()).lake.uri, join(project.folder, 'other'))
})

test('a path that begins with the environment starts at the working directory, and one with a default at its file', (t) => {
  const project = makeProject(t, { 'deep/sluice.yaml': WHOLE.replace('uri: lake', 'uri: "${LAKE:near}.tables"') })
  const input = project.input({ file: 'deep/sluice.yaml' })
  assert.equal(loadSettings({ ...input, env: { LAKE: 'far' } }).lake.uri, join(project.folder, 'far.tables'))
  assert.equal(loadSettings({ ...input, env: { LAKE: '/abs' } }).lake.uri, '/abs.tables')
  assert.equal(loadSettings(input).lake.uri, join(project.folder, 'deep/near.tables'))
  assert.equal(loadSettings({ ...input, sets: ['lake.uri=here'] }).lake.uri, join(project.folder, 'here'))
})

test('--set wins over files, takes lists, and finds names that hold dots', (t) => {
  const project = makeProject(t, {
    'sluice.yaml': WHOLE.replaceAll('orders', 'shop.orders').replace('    shop.orders: {', '    orders: {'),
  })
  const settings = loadSettings(
    project.input({ sets: ['topics.shop.orders.partitions=9', 'sources.shop.key=[a, b]', 'ingest.flush_age=5s'] }),
  )
  assert.equal(settings.topics.get('shop.orders')?.partitions, 9)
  assert.deepEqual(settings.sources.get('shop')?.key, ['a', 'b'])
  assert.equal(settings.ingest.flushAgeMs, 5000)
})

test('lookup: --config, SLUICE_CONFIG, ./sluice.yaml, config/dev.yaml', (t) => {
  const project = makeProject(t, { 'config/dev.yaml': WHOLE })
  const fileOf = (over: Partial<SettingsInput>): string => loadSettings(project.input(over)).file
  assert.equal(fileOf({}), join(project.folder, 'config/dev.yaml'))
  project.write('sluice.yaml', WHOLE)
  assert.equal(fileOf({}), join(project.folder, 'sluice.yaml'))
  project.write('env.yaml', WHOLE)
  assert.equal(fileOf({ env: { SLUICE_CONFIG: 'env.yaml' } }), join(project.folder, 'env.yaml'))
  project.write('named.yaml', WHOLE)
  assert.equal(fileOf({ env: { SLUICE_CONFIG: 'env.yaml' }, file: 'named.yaml' }), join(project.folder, 'named.yaml'))
})

test('where no settings are found, the refusal says where it looked', (t) => {
  const error = refusal(makeProject(t).input())
  assert.equal(error.code, 'FILE_UNREADABLE')
  assert.match(error.message, /sluice\.yaml nor config\/dev\.yaml/)
  assert.equal(refusal(makeProject(t).input({ file: 'gone.yaml' })).code, 'FILE_UNREADABLE')
})

test('an unknown key is refused with file, line, key and the nearest known one', (t) => {
  assertRefused(t, `${WHOLE}ingest:\n  flush_mib: 3\n`, {
    message: /ingest\.flush_mib is not a setting; did you mean flush_mb\?/,
    where: { line: 14, key: 'ingest.flush_mib' },
  })
  assertRefused(t, WHOLE.replace('path: data', 'path: data\n    patern: x'), { message: /did you mean pattern\?/ })
})

test('all that is wrong is told at once', (t) => {
  assertRefused(t, `${WHOLE}ingest: {flush_mb: big, flush_age: 30}\nlogg: {}\n`, {
    message:
      /flush_mb[^]*also [^]*:13: ingest\.flush_age: "30" is not a number with its unit[^]*also [^]*:14: logg is not a setting/,
  })
})

test('a missing variable is refused with file, line, key and its name', (t) => {
  assertRefused(t, WHOLE.replace('data', '${RETAIL_DATA}'), {
    message: /sources\.shop\.path: the variable RETAIL_DATA is not set/,
    where: { line: 5, key: 'sources.shop.path' },
  })
})

test('a missing required key is refused with the place of what lacks it', (t) => {
  assertRefused(t, WHOLE.replace('    path: data\n', ''), {
    message: /sources\.shop\.path is missing/,
    where: { line: 3, key: 'sources.shop.path' },
  })
})

test('bad YAML is refused with file and line', (t) => {
  const cases: readonly (readonly [string, RegExp, number])[] = [
    [`lake: {uri: a}\nlake: {uri: b}\n`, /unique/, 2],
    [`lake:\n\turi: a\n`, /[Tt]ab/, 2],
    [`lake: {uri: \${LAKE}}\n`, /./, 1],
    [`lake: {uri: a\n`, /./, 2],
    [`lake: {uri: a}\n---\nlake: {uri: b}\n`, /more than one document/, 2],
    [`lake: {uri: *nowhere}\n`, /anchor|alias/i, 1],
    [`a: &a [1]\n__proto__: {x: 1}\n`, /__proto__ is not allowed/, 2],
    [`sources: {constructor: {connector: files}}\n`, /constructor is not allowed/, 1],
  ]
  for (const [text, message, line] of cases) {
    assertRefused(t, text, { code: 'YAML_INVALID', message, where: { line } })
  }
})

test('a YAML bomb is refused, not written out', (t) => {
  const levels = Array.from(
    { length: 12 },
    (_, i) => `l${i}: &l${i} [${Array.from({ length: 10 }, () => (i === 0 ? 'x' : `*l${i - 1}`)).join(', ')}]`,
  )
  assertRefused(t, levels.join('\n'), { code: 'YAML_INVALID', message: /too large/ })
  assertRefused(t, 'a: &a [*a]\n', { code: 'YAML_INVALID', message: /too deep|too large|anchor/ })
})

test('settings that extend each other are refused', (t) => {
  const project = makeProject(t, { 'sluice.yaml': 'extends: b.yaml\n', 'b.yaml': 'extends: sluice.yaml\n' })
  const error = refusal(project.input())
  assert.match(error.message, /circle/)
})

test('an extended file that is missing is refused at the line that names it', (t) => {
  assertRefused(t, '# first\nextends: gone.yaml\n', {
    code: 'FILE_UNREADABLE',
    message: /gone\.yaml/,
    where: { line: 2, key: 'extends' },
  })
})

test('names lead somewhere, or are refused', (t) => {
  assertRefused(t, WHOLE.replace('    topic: orders\n', '    topic: ordres\n'), {
    message: /sources\.shop\.topic: no topic ordres is declared under topics; did you mean orders\?/,
    where: { line: 6, key: 'sources.shop.topic' },
  })
  assertRefused(t, WHOLE.replace('{topic: orders}', '{topic: x}'), {
    message: /tables\.bronze\.orders\.topic: no topic x/,
  })
  assertRefused(t, WHOLE.replace('connector: files', 'connector: flies'), {
    message: /"flies" is none of files; did you mean files\?/,
  })
  assertRefused(t, WHOLE.replace('  shop:', '  ../shop:'), { message: /may hold only letters/ })
  assertRefused(t, WHOLE.replace('    orders: {topic', '    "ord ers": {topic'), { message: /not a table name/ })
  assertRefused(t, WHOLE.replace('{topic: orders}', '{topic: orders, contract: a/b}'), { message: /may hold only/ })
  assertRefused(t, WHOLE.replace('[id]', '["id; drop"]'), { message: /may hold only/ })
})

test('what this build does not have is refused by name', (t) => {
  assertRefused(t, `${WHOLE}broker: {kind: kafka}\n`, {
    message: /broker.brokers: is needed where broker.kind is kafka/,
  })
})

test('a lake on S3 and a registry elsewhere are taken as written, and what does not fit together is refused', (t) => {
  const onS3 = WHOLE.replace(
    '{uri: lake}',
    '{uri: "s3://bucket/lake/", endpoint: "http://127.0.0.1:7070", sse: "aws:kms"}',
  )
  const project = makeProject(t, {
    'sluice.yaml': `${onS3}registry: {kind: confluent, url: "http://127.0.0.1:8081/", username: me, password: "\${PW}"}\n`,
  })
  const settings = loadSettings(project.input({ env: { PW: 'hunter2' } }))
  assert.equal(settings.lake.uri, 's3://bucket/lake')
  assert.equal(settings.lake.s3.encryption, 'aws:kms')
  assert.equal(settings.lake.workDir, join(project.folder, '.sluice/s3'))
  assert.deepEqual(settings.registry, {
    kind: 'confluent',
    url: 'http://127.0.0.1:8081',
    username: 'me',
    password: 'hunter2',
    caFile: null,
    timeoutMs: 10_000,
  })
  assertRefused(t, `${WHOLE}registry: {kind: confluent}\n`, { message: /registry\.url: an http/ })
  assertRefused(t, `${WHOLE}registry: {kind: confluent, url: "http://me:hunter2@host"}\n`, { message: /credentials/ })
  for (const [uri, message] of [
    ['s3://Bucket/lake', /neither a folder nor s3/],
    ['gs://bucket/lake', /neither a folder nor s3/],
  ] as const)
    assertRefused(t, WHOLE.replace('uri: lake', `uri: "${uri}"`), { message })
  for (const [more, message] of [
    ['access_key_id: a', /go together/],
    ['secret_access_key: hunter2', /must come from the environment/],
    ['endpoint: "127.0.0.1:7070"', /http:\/\//],
    ['kms_key_id: a', /sse: aws:kms/],
  ] as const)
    assertRefused(t, WHOLE.replace('uri: lake', `uri: "s3://bucket/lake", ${more}`), { message })
})

test('a Kafka cluster: brokers, TLS, a login by reference, and what is missing is named', (t) => {
  const broker = (more: string): string => `${WHOLE}broker: {kind: kafka, brokers: "k1:9092, k2:9093"${more}}\n`
  const project = makeProject(t, {
    'sluice.yaml': broker(
      ', tls: {enabled: true, ca: ca.pem}, sasl: {mechanism: SCRAM-SHA-512, username: sluice, password: "${KAFKA_PASSWORD}"}',
    ),
  })
  const { broker: read } = loadSettings({ ...project.input(), env: { KAFKA_PASSWORD: 'hunter2' } })
  assert.deepEqual(read, {
    kind: 'kafka',
    brokers: ['k1:9092', 'k2:9093'],
    tls: { ca: join(project.folder, 'ca.pem'), cert: null, key: null },
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'sluice', password: 'hunter2' },
    compression: 'lz4',
    replicationFactor: null,
    prefix: 'sluice.',
    instanceId: null,
    sessionTimeoutMs: 30_000,
    stateTopic: '_sluice.state',
  })
  assertRefused(t, broker(', sasl: {mechanism: PLAIN, username: sluice}'), {
    message: /broker.sasl.password: is needed/,
  })
  assertRefused(t, broker(', sasl: {mechanism: OAUTHBEARER}'), { message: /broker.sasl.token: is needed/ })
  assertRefused(t, broker(', tls: {enabled: true, cert: a.pem}'), { message: /certificate and key are a pair/ })
  assertRefused(t, broker(', session_timeout: 2s'), { message: /broker.session_timeout: at least 3s/ })
  assertRefused(t, broker('').replace('k1:9092', 'k1'), { message: /"k1" is no host:port/ })
  assertRefused(t, broker(', sasl: {mechanism: PLAIN, username: sluice, password: hunter2}'), { message: /password/ })
})

test('the secret itself is never in a message', (t) => {
  const project = makeProject(t, { 'sluice.yaml': `${WHOLE}errors: {seal_key: [hunter2]}\n` })
  assert.doesNotMatch(refusal(project.input()).message, /hunter2/)
  assert.equal(loadSettings({ ...project.input(), sets: ['errors.seal_key=hunter2'] }).errors.sealKey, 'hunter2')
})

test('--set of a wrong form is a usage error, and an unknown key says that it came from --set', (t) => {
  assertRefused(t, WHOLE, { code: 'USAGE', message: /key\.path=value/, sets: ['lake.uri'] })
  assertRefused(t, WHOLE, { code: 'USAGE', message: /extends/, sets: ['extends=x.yaml'] })
  assertRefused(t, WHOLE, {
    message: /lake\.url is not a setting; did you mean uri\?/,
    where: { file: '--set', key: 'lake.url' },
    sets: ['lake.url=x'],
  })
})
