import type { RegisteredSchema } from '../../src/ports/schema-registry.ts'

/** The contract of the measured orders: 14 fields of every kind that a shop's orders have, with rules of every kind. */
const FIELDS = [
  { name: 'order_id', type: 'long', constraints: { minimum: 1 } },
  { name: 'customer_id', type: 'long', constraints: { minimum: 1, maximum: 9_999_999_999 } },
  {
    name: 'status',
    type: { type: 'enum', name: 'Status', symbols: ['placed', 'paid', 'packed', 'shipped', 'delivered', 'returned'] },
  },
  { name: 'currency', type: 'string', constraints: { pattern: '^[A-Z]{3}$' } },
  { name: 'country', type: ['null', 'string'], default: null, constraints: { minLength: 2, maxLength: 2 } },
  { name: 'channel', type: 'string', constraints: { enum: ['web', 'app', 'store', 'phone', 'partner'] } },
  {
    name: 'amount',
    type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 },
    constraints: { minimum: 0, maximum: 1_000_000 },
  },
  { name: 'quantity', type: 'int', constraints: { minimum: 1, maximum: 1000 } },
  { name: 'discount', type: ['null', 'double'], default: null, constraints: { minimum: 0, maximum: 1 } },
  { name: 'gift', type: 'boolean' },
  { name: 'sku', type: 'string', constraints: { pattern: '^[A-Z]{2}-[0-9]{6}(-[A-Z0-9]{1,4})?$' } },
  { name: 'ship_to', type: ['null', 'string'], default: null, constraints: { required: true, maxLength: 120 } },
  { name: 'note', type: ['null', 'string'], default: null, constraints: { maxLength: 140 } },
  { name: 'placed_at', type: { type: 'long', logicalType: 'timestamp-micros' } },
] as const

export const ORDERS_SCHEMA: RegisteredSchema = {
  subject: 'orders-value',
  version: 1,
  id: 7,
  format: 'avro',
  text: JSON.stringify({ type: 'record', name: 'Order', fields: FIELDS }),
}
