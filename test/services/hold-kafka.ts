import { startKafka } from './kafka.ts'

/** Starts a broker, says where, and holds it until it is killed. */

const kafka = await startKafka()
process.stdout.write(`${JSON.stringify(kafka.places()[0])}\n`)
setInterval(() => undefined, 1_000)
