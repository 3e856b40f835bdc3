import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka as Client, logLevel, type Admin, type KafkaConfig } from 'kafkajs'
import { kafkaMissing, startKafka, type Kafka } from './kafka.ts'

const skip = await kafkaMissing()
const HOLDER = join(import.meta.dirname, 'hold-kafka.ts')

test(
  'a broker keeps what was produced over a restart, and another cluster takes its place without it',
  { skip },
  async (t) => {
    const kafka = await started(t, () => startKafka())
    const client = clientOf({ brokers: kafka.bootstrap.split(',') })
    await makeTopic(client)
    await produceOne(client, 'kept')
    await kafka.restart()
    assert.equal(await endOffset(client), '1')
    const before = kafka.clusterId()
    await kafka.replace()
    assert.notEqual(kafka.clusterId(), before)
    assert.deepEqual(await asAdmin(client, (admin) => admin.listTopics()), [])
    assert.equal((await asAdmin(client, (admin) => admin.describeCluster())).clusterId, kafka.clusterId())
  },
)

test('three brokers serve a replicated topic while one is stopped, killed or paused', { skip }, async (t) => {
  const kafka = await started(t, () => startKafka({ brokers: 3 }))
  const client = clientOf({ brokers: kafka.bootstrap.split(',') })
  await makeTopic(client, 3)
  await produceOne(client, 'first')
  await kafka.stopBroker(1)
  await produceOne(client, 'second')
  await kafka.startBroker(1)
  await kafka.killBroker(2)
  await produceOne(client, 'third')
  await kafka.startBroker(2)
  for (const node of [1, 2, 3]) kafka.pause(node)
  let sent = false
  const sending = produceOne(client, 'fourth').then(() => (sent = true))
  await sleep(1_500)
  assert.ok(!sent, 'brokers that are paused answer nothing')
  for (const node of [1, 2, 3]) kafka.resume(node)
  await sending
  // A send that is tried again may arrive twice.
  assert.ok(Number(await endOffset(client)) >= 4)
})

test(
  'secured listeners let in who knows the password or trusts the authority, and nobody else',
  { skip },
  async (t) => {
    const kafka = await started(t, () => startKafka({ secured: true }))
    const { sasl, tls, saslTls, ca, username, password } = kafka.secured!
    const ssl = { ca: [readFileSync(ca, 'utf8')] }
    await makeTopic(clientOf({ brokers: [tls], ssl }))
    for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
      const login = (given: string) => ({ mechanism, username, password: given }) as NonNullable<KafkaConfig['sasl']>
      const refused = asAdmin(clientOf({ brokers: [sasl], sasl: login('wrong') }), (admin) => admin.listTopics())
      await assert.rejects(refused, /uthentication/, mechanism)
      await produceOne(clientOf({ brokers: [sasl], sasl: login(password) }), mechanism)
      await produceOne(clientOf({ brokers: [saslTls], ssl, sasl: login(password) }), `${mechanism} by TLS`)
    }
    const untrusting = clientOf({ brokers: [tls], ssl: true })
    await assert.rejects(
      asAdmin(untrusting, (admin) => admin.listTopics()),
      /certificate/,
    )
  },
)

test('a service ends with the process that started it, even when that is killed', { skip }, async () => {
  const holder = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', HOLDER], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(holder.stdout, 'data')) as [Buffer]
  const { pid, folder } = JSON.parse(line.toString()) as { readonly pid: number; readonly folder: string }
  assert.ok(isAlive(pid) && existsSync(folder))
  holder.kill('SIGKILL')
  for (let waited = 0; (isAlive(pid) || existsSync(folder)) && waited < 10_000; waited += 50) await sleep(50)
  assert.ok(!isAlive(pid), 'the broker is gone')
  assert.ok(!existsSync(folder), 'its folder is gone')
})

async function started(t: TestContext, start: () => Promise<Kafka>): Promise<Kafka> {
  const kafka = await start()
  t.after(() => kafka.close())
  return kafka
}

function clientOf(config: KafkaConfig): Client {
  return new Client({
    clientId: 'test',
    logLevel: logLevel.NOTHING,
    requestTimeout: 5_000,
    retry: { retries: 10, maxRetryTime: 2_000 },
    ...config,
  })
}

async function makeTopic(client: Client, replicationFactor = 1): Promise<void> {
  await asAdmin(client, async (admin) => {
    await admin.createTopics({
      topics: [{ topic: 'orders', numPartitions: 1, replicationFactor }],
      waitForLeaders: true,
    })
  })
}

async function asAdmin<T>(client: Client, act: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = client.admin()
  await admin.connect()
  try {
    return await act(admin)
  } finally {
    await admin.disconnect()
  }
}

async function produceOne(client: Client, value: string): Promise<void> {
  const producer = client.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  try {
    await producer.send({ topic: 'orders', messages: [{ value }], timeout: 20_000 })
  } finally {
    await producer.disconnect()
  }
}

async function endOffset(client: Client): Promise<string | undefined> {
  const offsets = await asAdmin(client, (admin) => admin.fetchTopicOffsets('orders'))
  return offsets[0]?.high
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
