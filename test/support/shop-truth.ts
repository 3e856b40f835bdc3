import { createHash } from 'node:crypto'
import { knownAfter, standsAfter } from '../../connectors/simulator/truth.ts'
import type { ShopEvent, ShopFacts, ShopRow, Stream } from '../../connectors/simulator/shop/shop-event.ts'

/**
 * What the shop's silver and gold must hold, worked out from the simulator's record of truth in plain steps: no SQL, no
 * topics, nothing of `src/`. Rows by the tables' columns, in the order of their keys.
 */

export type Cell = string | number | boolean | null
export type TruthRow = Readonly<Record<string, Cell>>

/** How many days each stream has handed out. */
export type DaysTold = Readonly<Record<Stream, number>>

export interface ShopTables {
  readonly [table: string]: readonly TruthRow[]
}

const UNKNOWN = '-1'
const CUSTOMER_COLUMNS = ['name', 'email', 'city', 'country', 'segment'] as const

/** A change of a customer; of one customer in order of time, no two at one time. */
export type CustomerChange = Pick<ShopEvent, 'op' | 'row' | 'timeMs'>

/** Where the shop stands, whoever tells it. */
export interface ShopState {
  /** What there is of each stream; what is gone is left out. */
  readonly stands: (stream: Stream) => readonly ShopRow[]
  readonly customerChanges: ReadonlyMap<string, readonly CustomerChange[]>
}

/** `beforeMs`: the tables as of a time, which knows nothing of what happened then or later. */
export function shopTables(facts: ShopFacts, told: DaysTold, beforeMs = Infinity): ShopTables {
  return tablesOf({
    stands: (stream) => [...standsAfter(stream, facts, told[stream], beforeMs).values()],
    customerChanges: knownAfter('customers', facts, told.customers, beforeMs),
  })
}

export function tablesOf({ stands, customerChanges }: ShopState): ShopTables {
  const rates = stands('fx_rates')
  const orders = stands('orders').map((row) => orderRow(row, rates))
  const customers = new Map(stands('customers').map((row) => [String(row['customer_id']), row]))
  const versions = customerVersions(customerChanges)
  const products = stands('products')
  const activity = stands('behavior').map((row) => activityRow(row, { customers, orders: byCustomer(orders) }))
  const productKeys = new Map(products.map((row) => [String(row['product_id']), md5(String(row['product_id']))]))
  const skOf = (customer: Cell | undefined, at: Cell | undefined): string =>
    (versions.find(
      (each) =>
        each['customer_id'] === customer &&
        String(each['valid_from']) <= String(at) &&
        (each['valid_to'] === null || String(at) < String(each['valid_to'])),
    )?.['customer_sk'] as string | undefined) ?? UNKNOWN
  const sales = orders.map((row) => ({
    ...without(row, ['updated_at', 'order_date']),
    date_sk: dateKey(row['ordered_at']),
    customer_sk: skOf(row['customer_id'], row['ordered_at']),
    product_sk: productKeys.get(String(row['product_id'])) ?? UNKNOWN,
  }))
  const behavior = activity.map((row) => ({
    ...without(row, [
      'customer_city',
      'customer_country',
      'customer_segment',
      'latest_ordered_at',
      'latest_order_status',
    ]),
    date_sk: dateKey(row['event_time']),
    customer_sk: skOf(row['customer_id'], row['event_time']),
  }))
  const dimProduct = products.map((row) => ({
    product_sk: productKeys.get(String(row['product_id']))!,
    ...without(row, ['updated_at']),
  }))
  return {
    'silver.customers': [...customers.values()],
    'silver.products': products,
    'silver.fx_rates': rates,
    'silver.orders': orders.map((row) => without(row, ['order_date'])),
    'silver.customer_activity': activity.map((row) => without(row, ['event_date'])),
    'gold.dim_customer': [...versions, ...unknownMember(versions, [...sales, ...behavior], 'customer_sk')],
    'gold.dim_product': [...dimProduct, ...unknownMember(dimProduct, sales, 'product_sk')],
    'gold.dim_date': calendar(orders.map((row) => String(row['ordered_at']).slice(0, 10))),
    'gold.fact_sales': sales,
    'gold.fact_behavior': behavior,
  }
}

function orderRow(row: ShopRow, rates: readonly ShopRow[]): TruthRow {
  const orderDate = String(row['ordered_at']).slice(0, 10)
  const cents = BigInt(String(row['unit_price']).replace('.', '')) * BigInt(Number(row['quantity']))
  const rate = rates
    .filter((each) => each['currency'] === row['currency'] && String(each['rate_date']) <= orderDate)
    .toSorted((a, b) => (String(a['rate_date']) < String(b['rate_date']) ? 1 : -1))[0]?.['rate']
  return {
    ...row,
    order_date: orderDate,
    amount: money(cents),
    fx_rate: rate === undefined ? null : String(rate),
    // half away from zero; amounts are never below it
    amount_eur:
      rate === undefined ? null : money((cents * BigInt(String(rate).replace('.', '')) + 50_000_000n) / 100_000_000n),
  }
}

function money(cents: bigint): string {
  const text = cents.toString().padStart(3, '0')
  return `${text.slice(0, -2)}.${text.slice(-2)}`
}

function byCustomer(orders: readonly TruthRow[]): ReadonlyMap<string, readonly TruthRow[]> {
  const grouped = new Map<string, TruthRow[]>()
  for (const row of orders) {
    const customer = String(row['customer_id'])
    grouped.set(customer, [...(grouped.get(customer) ?? []), row])
  }
  return grouped
}

interface ActivityFacts {
  readonly customers: ReadonlyMap<string, ShopRow>
  readonly orders: ReadonlyMap<string, readonly TruthRow[]>
}

function activityRow(row: ShopRow, { customers, orders }: ActivityFacts): TruthRow {
  const id = String(row['customer_id'])
  let latest: TruthRow | null = null
  for (const line of orders.get(id) ?? []) {
    if (String(line['ordered_at']) > String(row['event_time'])) continue
    if (latest === null || orderOf(line) > orderOf(latest)) latest = line
  }
  const customer = customers.get(id)
  return {
    ...row,
    customer_city: customer?.['city'] ?? null,
    customer_country: customer?.['country'] ?? null,
    customer_segment: customer?.['segment'] ?? null,
    latest_order_id: latest?.['order_id'] ?? null,
    latest_ordered_at: latest?.['ordered_at'] ?? null,
    latest_order_status: latest?.['status'] ?? null,
  }
}

function orderOf(line: TruthRow): string {
  return `${String(line['ordered_at'])} ${String(line['order_line_id'])}`
}

function customerVersions(known: ReadonlyMap<string, readonly CustomerChange[]>): readonly TruthRow[] {
  const versions: Record<string, Cell>[] = []
  for (const [id, events] of known) {
    let open: Record<string, Cell> | null = null
    const close = (at: string): void => {
      if (open !== null) Object.assign(open, { valid_to: at, is_current: false })
      open = null
    }
    for (const { op, row, timeMs } of events) {
      const at = new Date(timeMs).toISOString()
      const same = open !== null && CUSTOMER_COLUMNS.every((column) => open![column] === row[column])
      if (op === 'd') close(at)
      else if (!same) {
        close(at)
        open = {
          customer_sk: md5(`${id}\u001f${timeMs}000`),
          customer_id: id,
          ...Object.fromEntries(CUSTOMER_COLUMNS.map((column) => [column, row[column] ?? null])),
          valid_from: at,
          valid_to: null,
          is_current: true,
        }
        versions.push(open)
      }
    }
  }
  return versions
}

/** It stands in a dimension exactly while some fact needs it. */
function unknownMember(members: readonly TruthRow[], facts: readonly TruthRow[], key: string): readonly TruthRow[] {
  if (!facts.some((row) => row[key] === UNKNOWN)) return []
  const nothing = Object.fromEntries(Object.keys(members[0]!).map((column) => [column, null]))
  return [{ ...nothing, [key]: UNKNOWN, ...('is_current' in nothing ? { is_current: true } : {}) }]
}

function calendar(days: readonly string[]): readonly TruthRow[] {
  const sorted = days.toSorted((a, b) => (a < b ? -1 : 1))
  const rows: TruthRow[] = []
  for (let ms = Date.parse(sorted[0]!); ms <= Date.parse(sorted.at(-1)!); ms += 86_400_000) {
    const date = new Date(ms).toISOString().slice(0, 10)
    rows.push({ date_sk: dateKey(date), date })
  }
  return rows
}

function dateKey(time: Cell | undefined): number {
  return Number(String(time).slice(0, 10).replaceAll('-', ''))
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

function without<T extends TruthRow>(row: T, columns: readonly string[]): TruthRow {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !columns.includes(name)))
}
