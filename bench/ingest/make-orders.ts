import { writeOrdersFile } from '../orders/orders-file.ts'

/** `FILE COUNT`: the measured orders, once for all who measure with them. */
const [file = '', count = ''] = process.argv.slice(2)
writeOrdersFile(file, { seed: 20_261_128, count: Number(count), partitions: 4 })
