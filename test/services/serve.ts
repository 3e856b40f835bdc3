import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startKafka } from './kafka.ts'
import { startRegistry } from './registry.ts'
import { startS3 } from './s3.ts'

/**
 * `npm run services`: a broker, a registry and an S3 server for a person to play with, on free loopback ports, until
 * Ctrl-C. They begin empty and leave nothing behind.
 */

const BUCKET = 'sluice'

const started: { close(): Promise<void> }[] = []
let ending: Promise<void> | null = null

/** The last that was started ends first; each once. */
function end(code: number): Promise<void> {
  ending ??= (async () => {
    for (const service of started.toReversed()) await service.close().catch(say)
    process.exit(code)
  })()
  return ending
}

function say(text: unknown): void {
  process.stdout.write(`${text instanceof Error ? text.message : String(text)}\n`)
}

async function keep<T extends { close(): Promise<void> }>(service: Promise<T>): Promise<T> {
  const running = await service
  started.push(running)
  return running
}

for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => void end(0))

say(
  'Starting Kafka, a schema registry and an S3 server; the first time they are fetched and built, which takes minutes.',
)
try {
  const starting = [keep(startKafka()), keep(startRegistry()), keep(startS3({ kind: 'versitygw' }))] as const
  // What started before another failed is ended too.
  await Promise.allSettled(starting)
  const [kafka, registry, s3] = await Promise.all(starting)
  await s3.bucket(BUCKET)
  // In a folder that goes with its service, also where this process is killed.
  const state = join(kafka.places()[0]!.folder, 'state')
  await mkdir(state)
  const variables = {
    KAFKA_BROKERS: kafka.bootstrap,
    SCHEMA_REGISTRY_URL: registry.url,
    LAKE_BUCKET: BUCKET,
    ...s3.env,
    SLUICE_STATE: state,
  }
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${value}`)
  say(`
Kafka     ${kafka.bootstrap}
Registry  ${registry.url}
S3        ${s3.endpoint}, bucket ${BUCKET}

In another terminal:

${lines.join('\n')}
bin/sluice demo --config config/services.yaml
RETAIL_DATA=../shared/data/online-retail bin/sluice run --config examples/online-retail/services.yaml

Ctrl-C ends all of it and removes what it held.`)
  setInterval(() => undefined, 60_000)
} catch (error) {
  say(error)
  await end(1)
}
