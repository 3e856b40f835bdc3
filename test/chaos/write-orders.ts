import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import avsc from 'avsc'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { BRING_LATE_SCHEMA, LATE_SCHEMA, PLAIN_SCHEMA, type WriterOrder, type Written } from './chaos-topic.ts'
import { PARTITIONS, planAppends, type PlannedAppend, type PlannedRecord } from './plan-round.ts'

/**
 * The writer of a round, a process of its own that shares nothing with Sluice: kafkajs's idempotent producer, which
 * tries again until the broker has each batch once, and avsc. Says every record with its place once it is acknowledged.
 */
const order = JSON.parse(process.argv[2] ?? '{}') as WriterOrder
/** Longer than anything is out in a round. */
const RETRY = { retries: 10_000, initialRetryTime: 50, maxRetryTime: 500 }

const client = new Kafka({
  brokers: order.bootstrap.split(','),
  logLevel: logLevel.NOTHING,
  retry: RETRY,
  connectionTimeout: 2_000,
  requestTimeout: 10_000,
})

async function registered(subject: string, schema: object): Promise<number> {
  for (;;) {
    const answer = await fetch(`${order.registryUrl}/subjects/${subject}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: JSON.stringify(schema) }),
      signal: AbortSignal.timeout(2_000),
    }).catch(() => null)
    if (answer?.ok === true) return ((await answer.json()) as { id: number }).id
    await sleep(100)
  }
}

async function topicIsThere(): Promise<void> {
  const admin = client.admin()
  await admin.connect()
  while (!(await admin.listTopics().catch(() => [] as string[])).includes(order.topic)) await sleep(100)
  await admin.disconnect()
}

const plainType = avsc.Type.forSchema(PLAIN_SCHEMA)
const lateType = avsc.Type.forSchema(LATE_SCHEMA)
let plainId = 0
let lateId: number | null = null
let count = 0

type Made = Omit<Written, 'partition' | 'offset'>

function framed(id: number, body: Buffer): string {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(id, 1)
  return Buffer.concat([head, body]).toString('base64')
}

function make(planned: PlannedRecord, partition: number): Made {
  count += 1
  const [id, n] = [`k${partition}-${count % 50}`, count]
  if (planned === 'junk') return { key: null, value: Buffer.from(`junk ${n}`).toString('base64'), fate: 'refused' }
  if (planned === 'broken_rule')
    return { key: id, value: framed(plainId, plainType.toBuffer({ id, n: -n })), fate: 'refused' }
  if (planned === 'tombstone') return { key: id, value: null, fate: { op: 'd', id, n: null, rescued: null } }
  if (planned === 'good' || lateId === null)
    return { key: id, value: framed(plainId, plainType.toBuffer({ id, n })), fate: { op: 'c', id, n, rescued: null } }
  const note = `note ${n}`
  const value = framed(lateId, lateType.toBuffer({ id, n, note }))
  return { key: id, value, fate: { op: 'c', id, n, rescued: JSON.stringify({ note }) } }
}

async function append(producer: Producer, partition: number, { records }: PlannedAppend): Promise<void> {
  const made = records.map((planned) => make(planned, partition))
  const timestamp = String(Date.now())
  const messages = made.map(({ key, value }) => ({
    partition,
    key,
    value: value === null ? null : Buffer.from(value, 'base64'),
    timestamp,
  }))
  const [answer] = await producer.send({ topic: order.topic, messages, acks: -1 })
  const base = Number(answer!.baseOffset)
  for (const [i, each] of made.entries())
    process.stdout.write(`${JSON.stringify({ partition, offset: base + i, ...each } satisfies Written)}\n`)
}

await topicIsThere()
const producer = client.producer({
  idempotent: true,
  maxInFlightRequests: 1,
  retry: RETRY,
  allowAutoTopicCreation: false,
})
await producer.connect()
plainId = await registered(`${order.topic}-writer`, PLAIN_SCHEMA)

let ending = false
const told = (async () => {
  for await (const line of createInterface(process.stdin))
    if (line === BRING_LATE_SCHEMA) lateId = await registered(`${order.topic}-late`, LATE_SCHEMA)
  ending = true
})()
const lanes = Array.from({ length: PARTITIONS }, async (_, partition) => {
  for (const planned of planAppends(order.seed, partition)) {
    await sleep(planned.afterMs)
    if (ending) return
    await append(producer, partition, planned)
  }
})
await Promise.all([told, ...lanes])
await producer.disconnect()
