import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import type * as Kafkajs from 'kafkajs'
import type { KafkaLog } from '../../../src/adapters/kafka/kafka-log.ts'
import { recordValue } from '../../../src/domain/record-batch.ts'
import { kafkaMissing, startKafka, type Kafka, type SecuredListeners } from '../../services/kafka.ts'
import { openLog } from './open-log.ts'

// What kafkajs exports of these cannot be imported by name.
const {
  Kafka: Client,
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
  logLevel,
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- its own types
} = createRequire(import.meta.url)('kafkajs') as typeof Kafkajs

const skip = await kafkaMissing()
const CLIENT = 'User:CN=sluice-client'

/** A broker that lets nobody do what no ACL allows, and knows a client by its certificate (mutual TLS). */
describe('a broker with an authorizer and mutual TLS', { skip }, () => {
  let kafka: Kafka
  let secured: SecuredListeners
  before(async () => {
    kafka = await startKafka({
      secured: true,
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS',
        'listener.name.tls.ssl.client.auth': 'required',
        'group.min.session.timeout.ms': '1000',
      },
    })
    secured = kafka.secured!
    await allow([
      { type: 'TOPIC', name: 'open', operations: ['ALL'] },
      { type: 'TOPIC', name: 'unreadable', operations: ['DESCRIBE', 'DESCRIBE_CONFIGS', 'WRITE'] },
      { type: 'TOPIC', name: 'unwritable', operations: ['READ', 'DESCRIBE_CONFIGS'] },
      { type: 'GROUP', name: 'ours.', operations: ['READ'] },
      { type: 'TRANSACTIONAL_ID', name: 'ours.', operations: ['WRITE'] },
    ])
    const admin = openLog(kafka.bootstrap)
    for (const topic of ['open', 'unreadable', 'unwritable', 'hidden'])
      await admin.create(topic, { partitions: 1, retentionMs: null })
    await append(admin, 'open', 'one')
    await admin.close()
  })
  after(() => kafka.close())

  interface Allowed {
    readonly type: keyof typeof Kafkajs.AclResourceTypes
    readonly name: string
    readonly operations: readonly (keyof typeof Kafkajs.AclOperationTypes)[]
  }

  async function allow(rules: readonly Allowed[]): Promise<void> {
    const admin = new Client({ brokers: kafka.bootstrap.split(','), logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    await admin.createAcls({
      acl: rules.flatMap(({ type, name, operations }) =>
        operations.map((operation) => ({
          resourceType: AclResourceTypes[type],
          resourceName: name,
          resourcePatternType: name.endsWith('.') ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
          principal: CLIENT,
          host: '*',
          operation: AclOperationTypes[operation],
          permissionType: AclPermissionTypes.ALLOW,
        })),
      ),
    })
    await admin.disconnect()
  }

  const tls = () => ({ ca: secured.ca, cert: secured.clientCertificate, key: secured.clientKey })
  const asClient = (some: object = {}): KafkaLog =>
    openLog(secured.tls, { tls: tls(), prefix: 'ours.', membersGroup: 'ours.members', retryMs: 30_000, ...some })
  const refusal = (message: RegExp, hint: RegExp) => (error: Error & { code: string; hint: string }) => {
    assert.equal(error.code, 'BROKER_REFUSED', error.message)
    assert.match(error.message, message)
    assert.match(error.hint, hint)
    return true
  }

  test('a client is known by its certificate, and one without is told what is asked for', async () => {
    const log = asClient()
    assert.equal((await log.describe('open'))?.partitions[0]?.end, 1n)
    const read = await log.fetch({ topic: 'open', partition: 0, from: 0n, maxBytes: 1e6, waitMs: 0 })
    assert.ok(read.kind === 'batches')
    assert.equal(Buffer.from(recordValue(read.batches[0]!, 0)!).toString('utf8'), 'one')
    const member = await log.join('ingest/orders', ['open/0'])
    assert.deepEqual([...(await member.poll())], ['open/0'])
    await member.tell(new Map([['open/0', 1n]]))
    assert.deepEqual(await log.told('ingest/orders', ['open/0']), new Map([['open/0', 1n]]))
    await append(log, 'open', 'two')
    await log.close()

    const bare = asClient({ tls: { ca: secured.ca, cert: null, key: null }, retryMs: 3_000 })
    await assert.rejects(bare.topics(), (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'LOG_UNAVAILABLE', error.message)
      assert.match(error.hint, /broker\.tls\.cert/)
      return true
    })
    await bare.close()
  })

  test('what no ACL allows says which is missing: to read, to write, to see a topic, and to join a group', async () => {
    const log = asClient()
    const fetch = log.fetch({ topic: 'unreadable', partition: 0, from: 0n, maxBytes: 1e6, waitMs: 0 })
    await assert.rejects(fetch, refusal(/TOPIC_AUTHORIZATION_FAILED/, /Read on topic unreadable \(ACL\)/))
    await assert.rejects(append(log, 'unwritable', 'x'), refusal(/TOPIC_AUTHORIZATION_FAILED/, /Write too/))
    await assert.rejects(log.describe('hidden'), refusal(/TOPIC_AUTHORIZATION_FAILED/, /on topic hidden/))
    await log.close()

    const outside = asClient({ prefix: 'theirs.', membersGroup: 'theirs.members' })
    const member = await outside.join('ingest/orders', ['open/0'])
    await assert.rejects(
      member.poll(),
      refusal(/theirs\.members.*GROUP_AUTHORIZATION_FAILED/, /Read on groups that begin/),
    )
    const state = { source: 'files', expectedSequence: 0n, set: new Map() }
    await assert.rejects(
      outside.append({ batches: [{ topic: 'open', partition: 0, records: [] }], state }),
      refusal(/AUTHORIZATION_FAILED/, /ACL/),
    )
    await outside.close()
  })

  test('static membership: a process that comes back under its name has its share again at once, and one too many gives way', async () => {
    const some = { membersGroup: 'static', heartbeatMs: 100, sessionTimeoutMs: 20_000 }
    const log = (instanceId: string): KafkaLog => openLog(kafka.bootstrap, { ...some, instanceId })
    const wanted = ['t/0', 't/1', 't/2', 't/3']
    const [a, b] = [log('a'), log('b')]
    const [first, other] = [await a.join('g', wanted), await b.join('g', wanted)]
    const settled = async (): Promise<string[][]> => {
      let held: string[][] = []
      for (let i = 0; i < 50; i += 1) {
        held = [[...(await first.poll())], [...(await other.poll())]].map((each) => each.toSorted())
        if (held.flat().length === wanted.length && held.every((each) => each.length === 2)) break
      }
      return held
    }
    const [before] = await settled()
    await a.close()
    // It left nothing: nobody else took what it had.
    assert.equal((await other.poll()).size, 2)
    const again = log('a')
    const back = await again.join('g', before!)
    let held = new Set<string>()
    for (let i = 0; i < 50 && held.size < 2; i += 1) held = new Set(await back.poll())
    assert.deepEqual([...held].toSorted(), before)
    assert.equal((await other.poll()).size, 2)

    const twin = log('a')
    const thief = await twin.join('g', wanted)
    await thief.poll()
    await assert.rejects(
      async () => {
        for (let i = 0; i < 50; i += 1) await back.poll()
      },
      { code: 'BROKER_REFUSED', where: { key: 'broker.instance_id' } },
    )
    await Promise.all([again.close(), twin.close(), b.close()])
  })
})

async function append(log: KafkaLog, topic: string, text: string): Promise<void> {
  const records = [{ key: null, value: Buffer.from(text), headers: [], timestampMs: 1 }]
  await log.append({ batches: [{ topic, partition: 0, records }], state: null })
}
