import { setTimeout as sleep } from 'node:timers/promises'
import type { SnowflakeStandIn } from '../../services/snowflake.ts'
import type { CustomerChange } from '../../support/shop-truth.ts'
import type { ShopRow } from '../../../connectors/simulator/shop/shop-event.ts'
import { CURRENCIES, CUSTOMERS, PRODUCTS, drawOf, type Draw } from './draw.ts'

/** Customers (soft deletes, times of whole seconds, some late) and order lines (hard deletes) in Snowflake's stand-in. */
const CUSTOMER_COLUMNS = ['customer_id', 'name', 'email', 'city', 'country', 'segment', 'signed_up_at', 'updated_at']
const ORDER_COLUMNS = [
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
]
const TIMES = new Set(['signed_up_at', 'ordered_at', 'updated_at'])
const NUMBERS = new Set(['line_number', 'quantity'])
const CITIES = ['Oslo', 'Bern', 'Rome', "L'Aquila", 'Tromsø'] as const

export class SnowflakeSide {
  /** What was done to each customer, by time; of one time, what was done last. */
  readonly #told = new Map<string, Map<number, CustomerChange>>()
  readonly #server: SnowflakeStandIn
  readonly #ofCustomers: Draw
  readonly #ofOrders: Draw
  #last: Promise<unknown> = Promise.resolve()
  #orders = 0
  #lines: string[] = []
  #deleted: string[] = []

  constructor(server: SnowflakeStandIn, seed: number) {
    this.#server = server
    this.#ofCustomers = drawOf(seed)
    this.#ofOrders = drawOf(seed + 1)
  }

  async create(): Promise<void> {
    await this.#run(
      'create table customers (customer_id varchar not null, name varchar not null, email varchar, city varchar, country varchar, segment varchar, signed_up_at timestamp_ntz(6), updated_at timestamp_ntz(6) not null, gone boolean not null, primary key (customer_id))',
      'create table orders (order_line_id varchar not null, order_id varchar, line_number int, customer_id varchar, product_id varchar, quantity int, unit_price number(12,2), currency varchar, status varchar, ordered_at timestamp_ntz(6), updated_at timestamp_ntz(6), primary key (order_line_id))',
    )
  }

  /** Some of the customers, each once: states between two passes are not promised. */
  async writeCustomers(): Promise<void> {
    const { chance, below } = this.#ofCustomers
    const ids = CUSTOMERS.filter(() => chance(0.6))
    for (let at = 0; at < ids.length;) {
      const together = ids.slice(at, (at += 1 + below(4)))
      const late = chance(0.3) ? below(8) : 0
      const stampMs = Math.floor(Date.now() / 1000 - late) * 1000
      const changes = together.map((id) => this.#changeOf(id, stampMs))
      const rows = changes.map(({ row, op }) => `select ${literals(CUSTOMER_COLUMNS, row)}, ${op === 'd'} as gone`)
      const set = [...CUSTOMER_COLUMNS.slice(1), 'gone'].map((name) => `${name} = s.${name}`).join(', ')
      const all = [...CUSTOMER_COLUMNS, 'gone']
      await this.#run(
        `merge into customers t using (${rows.join(' union all ')}) s on t.customer_id = s.customer_id when matched then update set ${set} when not matched then insert (${all.join(', ')}) values (${all.map((name) => `s.${name}`).join(', ')})`,
      )
      for (const change of changes) {
        const id = String(change.row['customer_id'])
        const told = this.#told.get(id) ?? new Map<number, CustomerChange>()
        this.#told.set(id, told.set(change.timeMs, change))
      }
      await sleep(50 + below(350))
    }
  }

  /**
   * Lines that were deleted come back, while nobody reads: a delete has the time at which a pass missed the row, and
   * what is stamped before that time and committed after it would stay deleted.
   */
  async bringBack(): Promise<void> {
    const back = this.#deleted.filter(() => this.#ofOrders.chance(0.5))
    this.#deleted = this.#deleted.filter((line) => !back.includes(line))
    const stampMs = Date.now()
    for (const line of back) await this.#insertLine(line, { stampMs, orderedMs: stampMs })
  }

  async writeOrders(): Promise<void> {
    const { below, chance, one } = this.#ofOrders
    for (let step = 0; step < 25; step += 1) {
      const stampMs = Math.floor(Date.now() / 1000) * 1000
      if (this.#lines.length < 6 || chance(0.45)) {
        this.#orders += 1
        const orderedMs = Math.floor(Date.now() / 60_000) * 60_000 - below(5) * 86_400_000
        for (let line = 1; line <= 1 + below(3); line += 1)
          await this.#insertLine(`O${String(this.#orders).padStart(10, '0')}-${line}`, { stampMs, orderedMs })
      } else if (chance(0.5)) {
        await this.#run(
          `update orders set status = '${one(['shipped', 'delivered', 'returned'])}', quantity = ${1 + below(9)}, updated_at = greatest(updated_at, ${time(stampMs)}) where order_line_id = '${one(this.#lines)}'`,
        )
      } else {
        const line = one(this.#lines)
        await this.#run(`delete from orders where order_line_id = '${line}'`)
        this.#lines = this.#lines.filter((each) => each !== line)
        this.#deleted.push(line)
      }
      await sleep(below(200))
    }
  }

  /** Oldest first. */
  customerChanges(): ReadonlyMap<string, readonly CustomerChange[]> {
    return new Map(
      [...this.#told].map(([id, changes]) => [
        id,
        [...changes.values()].map(canonical).toSorted((a, b) => a.timeMs - b.timeMs),
      ]),
    )
  }

  /** As the table stands. */
  async customers(): Promise<readonly ShopRow[]> {
    return (await this.#rows('customers where not gone', CUSTOMER_COLUMNS)).map(canonicalRow)
  }

  orders(): Promise<readonly ShopRow[]> {
    return this.#rows('orders', ORDER_COLUMNS)
  }

  #changeOf(id: string, stampMs: number): CustomerChange {
    const { one, chance } = this.#ofCustomers
    const lastMs = Math.max(0, ...(this.#told.get(id)?.keys() ?? []))
    const timeMs = Math.max(stampMs, lastMs)
    const row = {
      customer_id: id,
      // What is only written otherwise opens no version.
      name: chance(0.3) ? ` Customer ${id} ` : `Customer ${id}`,
      email: `${chance(0.3) ? id : id.toLowerCase()}@example.org`,
      city: one(CITIES),
      country: 'NO',
      segment: one(['consumer', 'business']),
      signed_up_at: '2020-05-17T08:30:00.000Z',
      updated_at: new Date(timeMs).toISOString(),
    }
    return { op: chance(0.2) ? 'd' : 'u', row, timeMs }
  }

  async #insertLine(line: string, times: { readonly stampMs: number; readonly orderedMs: number }): Promise<void> {
    const { below, one } = this.#ofOrders
    const row = {
      order_line_id: line,
      order_id: line.split('-')[0]!,
      line_number: Number(line.split('-')[1]),
      customer_id: one(CUSTOMERS),
      product_id: one(PRODUCTS),
      quantity: 1 + below(9),
      unit_price: (below(50_000) / 100).toFixed(2),
      currency: one(CURRENCIES),
      status: 'placed',
      ordered_at: new Date(times.orderedMs).toISOString(),
      updated_at: new Date(times.stampMs).toISOString(),
    }
    await this.#run(`insert into orders (${ORDER_COLUMNS.join(', ')}) select ${literals(ORDER_COLUMNS, row)}`)
    this.#lines.push(line)
  }

  /** The stand-in takes one statement of a session at a time. */
  #run(...statements: readonly string[]): ReturnType<SnowflakeStandIn['run']> {
    const answer = this.#last.then(() => this.#server.run(...statements))
    this.#last = answer.catch(() => undefined)
    return answer
  }

  async #rows(from: string, columns: readonly string[]): Promise<readonly ShopRow[]> {
    const [rows = []] = await this.#run(`select ${columns.join(', ')} from ${from}`)
    return rows.map((row) =>
      Object.fromEntries(
        columns.map((name, i) => {
          const value = row[i] ?? null
          if (value === null) return [name, null]
          if (TIMES.has(name)) return [name, new Date(Math.round(Number(value) * 1000)).toISOString()]
          return [name, NUMBERS.has(name) ? Number(value) : value]
        }),
      ),
    )
  }
}

function canonical({ row, op, timeMs }: CustomerChange): CustomerChange {
  return { op, timeMs, row: canonicalRow(row) }
}

/** What the model makes of text, in plain steps. */
function canonicalRow(row: ShopRow): ShopRow {
  return { ...row, name: String(row['name']).trim(), email: String(row['email']).trim().toLowerCase() }
}

function literals(columns: readonly string[], row: ShopRow): string {
  return columns.map((name) => `${literal(name, row[name] ?? null)} as ${name}`).join(', ')
}

function literal(name: string, value: string | number | null): string {
  if (value === null) return 'null'
  if (TIMES.has(name)) return time(Date.parse(String(value)))
  return typeof value === 'number' || name === 'unit_price' ? String(value) : `'${value.replaceAll("'", "''")}'`
}

function time(ms: number): string {
  return `'${new Date(ms).toISOString().replace('T', ' ').replace('Z', '')}'::timestamp_ntz`
}
