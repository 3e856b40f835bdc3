import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { ShopRow } from '../../../connectors/simulator/shop/shop-event.ts'
import type { Postgres } from '../../services/postgres.ts'
import { CUSTOMERS, PRODUCTS, drawOf, type Draw } from './draw.ts'

/**
 * Behavior events in PostgreSQL: what happened days ago is written now, and a second writing leaves an event's time as it
 * was. A transaction stamps all that it writes with the time at which it began, in two sessions at once: the one that
 * began first may end last. Products stand still.
 */
export class PostgresSide {
  readonly #server: Postgres
  /** One a session. */
  readonly #draws: readonly [Draw, Draw]
  readonly #events = [0, 0]

  constructor(server: Postgres, seed: number) {
    this.#server = server
    this.#draws = [drawOf(seed), drawOf(seed + 1)]
  }

  async create(): Promise<void> {
    const rows = PRODUCTS.map((id, i) => `('${id}', 'Thing ${i}', 'garden', ${i + 0.5}, '2024-02-29 12:00:00.123Z')`)
    await this.#server.run(
      'create table behavior (event_id text primary key, customer_id text, event_type text, product_id text, session_id text, duration_ms int, event_time timestamptz, written_at timestamptz not null)',
      'create table products (product_id text primary key, name text, category text, price numeric(12,2), updated_at timestamptz)',
      `insert into products values ${rows.join(', ')}`,
    )
  }

  async write(): Promise<void> {
    const sessions = await Promise.all(this.#draws.map(() => this.#server.connect()))
    try {
      await Promise.all(sessions.map((session, i) => this.#writeIn(session, i)))
    } finally {
      for (const session of sessions) await session.end()
    }
  }

  async #writeIn(client: pg.Client, session: number): Promise<void> {
    const { below, chance, one } = this.#draws[session]!
    for (let transaction = 0; transaction < 6; transaction += 1) {
      await client.query('begin')
      const count = 1 + below(5)
      for (let i = 0; i < count; i += 1) {
        // An event is of one session, so that none waits for the other.
        const known = this.#events[session]!
        const isUpdate = known > 3 && chance(0.3)
        const number = isUpdate ? below(known) : (this.#events[session]! += 1) - 1
        const type = one(['page_view', 'search'] as const)
        await client.query(
          'insert into behavior values ($1, $2, $3, $4, $5, $6, $7, now()) on conflict (event_id) do update set duration_ms = excluded.duration_ms, written_at = excluded.written_at',
          [
            `e${session}-${number}`,
            one(CUSTOMERS),
            type,
            type === 'search' ? null : one(PRODUCTS),
            `s${below(5)}`,
            below(90_000),
            new Date(Date.now() - below(4 * 86_400_000)).toISOString(),
          ],
        )
      }
      await sleep(100 + below(900))
      await client.query('commit')
    }
  }

  behavior(): Promise<readonly ShopRow[]> {
    return this.#rows(
      'select event_id, customer_id, event_type, product_id, session_id, duration_ms, event_time from behavior',
    )
  }

  products(): Promise<readonly ShopRow[]> {
    return this.#rows('select * from products')
  }

  async #rows(sql: string): Promise<readonly ShopRow[]> {
    const [result] = await this.#server.run(sql)
    return (result!.rows as Record<string, string | number | null | Date>[]).map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, value instanceof Date ? value.toISOString() : value]),
      ),
    )
  }
}
