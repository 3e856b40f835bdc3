import { mkdirSync } from 'node:fs'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openKafkaLog } from '../../src/adapters/kafka/kafka-log.ts'
import { KAFKA_DEFAULTS } from '../../src/adapters/kafka/kafka-settings.ts'
import { orderRecords } from '../orders/order-records.ts'
import { readOrdersFile } from '../orders/orders-file.ts'
import { registerOrders } from '../orders/register-orders.ts'

/** The orders of a file on a topic of Kafka, lz4 in batches of about 50 KB as a tuned producer sends: `FILE BROKERS FOLDER`. */
const [file = '', brokers = '', folder = ''] = process.argv.slice(2)
const BATCH_RECORDS = 250

mkdirSync(folder, { recursive: true })
const settings = { ...KAFKA_DEFAULTS, brokers: brokers.split(','), membersGroup: 'bench.fill' }
const log = openKafkaLog({ settings, clock: systemClock })
const id = await registerOrders(`${folder}/registry`)
const batches = readOrdersFile(file)
const partitions = new Set(batches.map(({ partition }) => partition)).size
await log.create('orders', { partitions, retentionMs: null })
for (const batch of batches) {
  const { partition } = batch
  const all = orderRecords(batch, id)
  for (let from = 0; from < all.length; from += BATCH_RECORDS) {
    const records = all.slice(from, from + BATCH_RECORDS)
    await log.append({ batches: [{ topic: 'orders', partition, records }], state: null })
  }
}
await log.close()
