/**
 * A process that appends until it is killed: `append-loop.ts DIR SOURCE`. Each append puts the same numbered
 * records into two partitions and moves SOURCE by one; what the log acknowledged is printed as a line. On a conflict it
 * reads the source again and goes on, so several such processes may share one source.
 */
import { openEmbeddedLog } from '../../../src/adapters/embedded-log/embedded-log.ts'
import { systemClock } from './system-clock.ts'

const [dir, source] = process.argv.slice(2)
if (dir === undefined || source === undefined) throw new Error('usage: append-loop.ts DIR SOURCE')
const log = await openEmbeddedLog({ dir, clock: systemClock })
await log.create('orders', { partitions: 2, retentionMs: null })
for (;;) {
  const { sequence } = await log.sourceState(source)
  // Sizes from one record to several stored batches.
  const count = [1, 20, 300, 6000][Number(sequence % 4n)]!
  const records = Array.from({ length: count }, (_, i) => ({
    key: Buffer.from(source),
    value: Buffer.from(`${source} ${sequence} ${i} ${count} ${'x'.repeat(i % 50)}`),
    headers: [],
    timestampMs: Number(sequence),
  }))
  const outcome = await log.append({
    batches: [0, 1].map((partition) => ({ topic: 'orders', partition, records })),
    state: { source, expectedSequence: sequence, set: new Map([['at', String(sequence)]]) },
  })
  if (outcome.kind === 'appended') process.stdout.write(`${sequence} ${count}\n`)
}
