import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka as Client, logLevel, type Message, type Producer } from 'kafkajs'
import type { ShopRow } from '../../../connectors/simulator/shop/shop-event.ts'
import type { Kafka } from '../../services/kafka.ts'
import { CURRENCIES, dayBefore, drawOf, type Draw } from './draw.ts'

/**
 * Exchange rates as Debezium tells them (c, u, d with its tombstone), in transactions of which some are given up; some
 * rates come after a later one of the same day, or after its delete.
 */
export const FX_TOPIC = 'bank.public.fx_rates'

interface Envelope {
  readonly op: 'c' | 'u' | 'd'
  readonly before: ShopRow | null
  readonly after: ShopRow | null
}

export class KafkaSide {
  readonly #client: Client
  readonly #draw: Draw
  #producer: Producer | null = null
  #committed = 0

  constructor(kafka: Kafka, seed: number) {
    this.#client = new Client({ brokers: kafka.bootstrap.split(','), logLevel: logLevel.NOTHING })
    this.#draw = drawOf(seed)
  }

  async create(): Promise<void> {
    const admin = this.#client.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: FX_TOPIC, numPartitions: 2 }], waitForLeaders: true })
    await admin.disconnect()
    this.#producer = this.#client.producer({ transactionalId: 'bank', maxInFlightRequests: 1, idempotent: true })
    await this.#producer.connect()
  }

  async write(): Promise<void> {
    const { below, chance } = this.#draw
    for (let step = 0; step < 10; step += 1) {
      const transaction = await this.#producer!.transaction()
      const messages = Array.from({ length: 1 + below(4) }, () => this.#change()).flat()
      await transaction.send({ topic: FX_TOPIC, messages })
      await sleep(below(300))
      if (chance(0.2)) await transaction.abort()
      else {
        await transaction.commit()
        this.#committed += messages.length
      }
      await sleep(below(200))
    }
  }

  /** What stands after all that was committed, by each change's own time; read by a client that knows nothing of ours. */
  async rates(): Promise<readonly ShopRow[]> {
    const latest = new Map<string, { readonly atMs: number; readonly row: ShopRow | null }>()
    for (const { key, value, timestampMs } of await this.#read()) {
      const { op, after } = value ?? { op: 'd', after: null }
      const atMs = op === 'd' ? timestampMs : Date.parse(String(after!['published_at']))
      // Of one time, what came last.
      if (atMs >= (latest.get(key)?.atMs ?? 0)) latest.set(key, { atMs, row: op === 'd' ? null : after })
    }
    return [...latest.values()].flatMap(({ row }) => (row === null ? [] : [row]))
  }

  async close(): Promise<void> {
    await this.#producer?.disconnect()
  }

  #change(): Message[] {
    const { below, chance, one } = this.#draw
    const nowMs = Date.now()
    const day = { currency: one(CURRENCIES), rate_date: dayBefore(below(4)) }
    const key = JSON.stringify(day)
    const timestamp = String(nowMs)
    const told = (envelope: Envelope): Message => ({
      key,
      timestamp,
      value: JSON.stringify({ ...envelope, source: { connector: 'postgresql' }, ts_ms: nowMs }),
    })
    if (chance(0.2)) return [told({ op: 'd', before: day, after: null }), { key, timestamp, value: null }]
    const publishedMs = nowMs - (chance(0.3) ? below(10_000) : 0)
    const rate = ((1 + below(99_999_999)) / 100_000_000).toFixed(8)
    const after = { ...day, rate, published_at: new Date(publishedMs).toISOString() }
    return [told({ op: one(['c', 'u']), before: null, after })]
  }

  async #read(): Promise<readonly Committed[]> {
    const consumer = this.#client.consumer({ groupId: 'truth', readUncommitted: false })
    const records: Committed[] = []
    await consumer.connect()
    await consumer.subscribe({ topic: FX_TOPIC, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message: { key, value, timestamp } }) => {
        records.push({
          key: key!.toString(),
          value: value === null ? null : (JSON.parse(value.toString()) as Envelope),
          timestampMs: Number(timestamp),
        })
      },
    })
    const untilMs = Date.now() + 30_000
    while (records.length < this.#committed && Date.now() < untilMs) await sleep(20)
    await consumer.disconnect()
    if (records.length !== this.#committed)
      throw new Error(`${records.length} records were read of ${this.#committed} that were committed`)
    return records
  }
}

interface Committed {
  readonly key: string
  readonly value: Envelope | null
  readonly timestampMs: number
}
