import { mkdirSync } from 'node:fs'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openEmbeddedLog } from '../../src/adapters/embedded-log/embedded-log.ts'
import { openEmbeddedRegistry } from '../../src/adapters/registry/embedded-registry.ts'
import { checkEvolution } from '../../src/contract/evolution.ts'
import type { OutgoingRecord } from '../../src/domain/record-batch.ts'
import { ORDERS_SCHEMA } from '../orders/order-schema.ts'
import { readOrdersFile } from '../orders/orders-file.ts'

/** The orders of a file in an embedded log, TIMES over, and their contract in a registry: `FILE TIMES FOLDER`. */
const [file = '', times = '1', folder = ''] = process.argv.slice(2)

mkdirSync(folder, { recursive: true })
const clock = systemClock
const log = await openEmbeddedLog({ dir: `${folder}/log`, clock })
const registry = await openEmbeddedRegistry({ dir: `${folder}/registry`, compatible: checkEvolution, clock })
const { subject, format, text } = ORDERS_SCHEMA
const { id } = await registry.register(subject, { format, text })
const batches = readOrdersFile(file)
const partitions = new Set(batches.map(({ partition }) => partition)).size
await log.create('orders', { partitions, retentionMs: null })
for (let time = 0; time < Number(times); time += 1) {
  for (const { partition, count, bytes, keyStarts, keyEnds, valueStarts, valueEnds, timestampsMs } of batches) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const records = Array.from({ length: count }, (_, i): OutgoingRecord => {
      // The id that this registry gave the contract.
      view.setUint32(valueStarts[i]! + 1, id)
      return {
        key: bytes.subarray(keyStarts[i], keyEnds[i]),
        value: bytes.subarray(valueStarts[i], valueEnds[i]),
        headers: [],
        timestampMs: timestampsMs[i]!,
      }
    })
    await log.append({ batches: [{ topic: 'orders', partition, records }], state: null })
  }
}
await registry.close()
await log.close()
