import { join } from 'node:path'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openKafkaLog } from '../../src/adapters/kafka/kafka-log.ts'
import { KAFKA_DEFAULTS } from '../../src/adapters/kafka/kafka-settings.ts'
import { openStores } from '../../src/compose/stores.ts'
import { S3_FROM_ENVIRONMENT } from '../../test/services/s3-settings.ts'
import { registerOrders } from '../orders/register-orders.ts'
import { steadyLoad } from './steady-load.ts'

/** A steady load on a fresh topic, in a process of its own: `FILE BROKERS FOLDER TOPIC LAKE SECONDS RECORDS_PER_SECOND`. */
const [file = '', brokers = '', folder = '', topic = '', lake = '', seconds = '', rate = ''] = process.argv.slice(2)

const settings = { ...KAFKA_DEFAULTS, brokers: brokers.split(','), membersGroup: 'bench.topics' }
const log = openKafkaLog({ settings, clock: systemClock })
await log.create(topic, { partitions: 4, retentionMs: null })
await log.close()
const storeAt = openStores({ workDir: join(folder, 'watch'), cacheBytes: 2 ** 20, s3: S3_FROM_ENVIRONMENT })
const seen = await steadyLoad({
  brokers,
  topic,
  file,
  schemaId: await registerOrders(join(folder, 'registry')),
  seconds: Number(seconds),
  recordsPerSecond: Number(rate),
  table: storeAt(lake).at('bronze/orders'),
})
process.stdout.write(`${JSON.stringify(seen)}\n`)
process.exit(0)
