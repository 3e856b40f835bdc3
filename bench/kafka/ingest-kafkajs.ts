import { CONNECTOR_DECLARATIONS } from '../../src/compose/connector-declarations.ts'
import { openWorld } from '../../src/compose/world.ts'
import { runIngest } from '../../src/ingest/run-ingest.ts'
import { loadSettings } from '../../src/settings/load-settings.ts'
import { withKafkajs } from './kafkajs-log.ts'

/** `ingest` with kafkajs eachBatch where our own reading of Kafka would be; what is behind it is the same. */
const [config = '', brokers = '', topic = ''] = process.argv.slice(2)

const { env } = process
const settings = loadSettings({ file: config, sets: [], env, cwd: process.cwd(), connectors: CONNECTOR_DECLARATIONS })
const world = await openWorld({ settings, signal: new AbortController().signal, listeners: [] })
const log = await withKafkajs(world.log, brokers, topic)
const reports = await runIngest({ ...world, log }, [...settings.tables.values()])
for (const { errors } of reports) if (errors[0] !== undefined) throw errors[0]
process.stdout.write(`${JSON.stringify({ read: reports[0]!.read })}\n`)
await log.close()
process.exit(0)
