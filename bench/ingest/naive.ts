import { createRequire } from 'node:module'
import { rmSync } from 'node:fs'
import { Ajv } from 'ajv'
import avro from 'avsc'
import { recordValue } from '../../src/domain/record-batch.ts'
import { ORDERS_SCHEMA } from '../orders/order-schema.ts'
import { readOrdersFile } from '../orders/orders-file.ts'
import { counted, printMeasured } from './measured-section.ts'

/**
 * The first thing that one writes in TypeScript, on the same orders: avsc to objects, ajv for the rules, parquetjs-lite
 * for the file: `FILE ROWS SCRATCH`. Its rows are fewer; what is compared is the cost of a row.
 */

interface ParquetModule {
  readonly ParquetSchema: new (fields: Record<string, object>) => object
  readonly ParquetWriter: { openFile(schema: object, path: string): Promise<Writer> }
}
interface Writer {
  appendRow(row: object): Promise<void>
  close(): Promise<void>
}
const { ParquetSchema, ParquetWriter } = createRequire(import.meta.url)('parquetjs-lite') as ParquetModule

const [file = '', most = '50000', scratch = ''] = process.argv.slice(2)
const MONEY_SCALE = 100

const type = avro.Type.forSchema(JSON.parse(ORDERS_SCHEMA.text) as avro.Schema, {
  wrapUnions: false,
  registry: {},
})
const pattern = (text: string) => ({ type: 'string', pattern: text })
const nullable = (rules: object) => ({ anyOf: [{ type: 'null' }, rules] })
const validate = new Ajv().compile({
  type: 'object',
  required: ['ship_to'],
  properties: {
    order_id: { type: 'number', minimum: 1 },
    customer_id: { type: 'number', minimum: 1, maximum: 9_999_999_999 },
    status: { type: 'string' },
    currency: pattern('^[A-Z]{3}$'),
    country: nullable({ type: 'string', minLength: 2, maxLength: 2 }),
    channel: { type: 'string', enum: ['web', 'app', 'store', 'phone', 'partner'] },
    amount: { type: 'number', minimum: 0, maximum: 1_000_000 },
    quantity: { type: 'number', minimum: 1, maximum: 1000 },
    discount: nullable({ type: 'number', minimum: 0, maximum: 1 }),
    gift: { type: 'boolean' },
    sku: pattern('^[A-Z]{2}-[0-9]{6}(-[A-Z0-9]{1,4})?$'),
    ship_to: { type: 'string', maxLength: 120 },
    note: nullable({ type: 'string', maxLength: 140 }),
    placed_at: { type: 'number' },
  },
})
const text = (more: object = {}) => ({ type: 'UTF8', compression: 'SNAPPY', ...more })
const int64 = { type: 'INT64', compression: 'SNAPPY' }
const maybe = { optional: true }
const parquet = new ParquetSchema({
  order_id: int64,
  customer_id: int64,
  status: text(),
  currency: text(),
  country: text(maybe),
  channel: text(),
  amount: { type: 'DOUBLE', compression: 'SNAPPY' },
  quantity: { type: 'INT32', compression: 'SNAPPY' },
  discount: { type: 'DOUBLE', compression: 'SNAPPY', optional: true },
  gift: { type: 'BOOLEAN', compression: 'SNAPPY' },
  sku: text(),
  ship_to: text(),
  note: text(maybe),
  placed_at: int64,
  _topic: text(),
  _partition: { type: 'INT32', compression: 'SNAPPY' },
  _offset: int64,
  _ingest_ts: int64,
})

interface Order {
  amount: Buffer | number
}

const batches = readOrdersFile(file)
const path = `${scratch}/naive.parquet`
let rows = 0
let refused = 0
for (let pass = 0; pass < Number(process.env['SLUICE_BENCH_WARM'] ?? 0); pass += 1) await write()
const section = await counted(write)
rmSync(path)
if (refused === 0 || refused > rows / 20) throw new Error(`${refused} of ${rows} were refused`)
await printMeasured(rows, section)

async function write(): Promise<void> {
  rows = 0
  refused = 0
  const writer = await ParquetWriter.openFile(parquet, path)
  for (const batch of batches) {
    if (rows >= Number(most)) break
    for (let i = 0; i < batch.count; i += 1) {
      rows += 1
      const order = decode(Buffer.from(recordValue(batch, i)!))
      if (order === null || validate(order) !== true) {
        refused += 1
        continue
      }
      await writer.appendRow({
        ...order,
        _topic: 'orders',
        _partition: batch.partition,
        _offset: Number(batch.first) + i,
        _ingest_ts: Date.now() * 1000,
      })
    }
  }
  await writer.close()
}

function decode(message: Buffer): Order | null {
  try {
    if (message[0] !== 0) return null
    const order = type.fromBuffer(message.subarray(5)) as Order
    order.amount = Number(`0x${(order.amount as Buffer).toString('hex') || '0'}`) / MONEY_SCALE
    return order
  } catch {
    return null
  }
}
