import { mkdirSync } from 'node:fs'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openEmbeddedLog } from '../../src/adapters/embedded-log/embedded-log.ts'
import { registerOrders } from '../orders/register-orders.ts'
import { orderRecords } from '../orders/order-records.ts'
import { readOrdersFile } from '../orders/orders-file.ts'

/** The orders of a file in an embedded log, TIMES over, and their contract in a registry: `FILE TIMES FOLDER`. */
const [file = '', times = '1', folder = ''] = process.argv.slice(2)

mkdirSync(folder, { recursive: true })
const log = await openEmbeddedLog({ dir: `${folder}/log`, clock: systemClock })
const id = await registerOrders(`${folder}/registry`)
const batches = readOrdersFile(file)
const partitions = new Set(batches.map(({ partition }) => partition)).size
await log.create('orders', { partitions, retentionMs: null })
for (let time = 0; time < Number(times); time += 1) {
  for (const batch of batches) {
    const { partition } = batch
    await log.append({ batches: [{ topic: 'orders', partition, records: orderRecords(batch, id) }], state: null })
  }
}
await log.close()
