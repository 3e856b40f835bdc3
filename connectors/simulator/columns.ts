import type { Stream } from './shop/shop-event.ts'

/** The columns of each stream, in the order of its contract. */
export const COLUMNS: Readonly<Record<Stream, readonly string[]>> = {
  customers: ['customer_id', 'name', 'email', 'city', 'country', 'segment', 'signed_up_at', 'updated_at'],
  products: ['product_id', 'name', 'category', 'price', 'updated_at'],
  orders: [
    'order_line_id',
    'order_id',
    'line_number',
    'customer_id',
    'product_id',
    'quantity',
    'unit_price',
    'currency',
    'status',
    'ordered_at',
    'updated_at',
  ],
  behavior: ['event_id', 'customer_id', 'event_type', 'product_id', 'session_id', 'duration_ms', 'event_time'],
  fx_rates: ['currency', 'rate_date', 'rate', 'published_at'],
}
