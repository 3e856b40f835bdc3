import { serveSnowflake, type SnowflakeWire, type WireAnswer, type WireQuery } from './snowflake-wire.ts'

/**
 * A scripted stub of Snowflake's STREAM, which fakesnow has not: one table `SHOP.PUBLIC.ORDERS (ID, V)` in memory with a
 * stream on it, behind Snowflake's protocol. It knows the statements that the connector sends, each by its form, and
 * keeps what the documentation says of them: a stream's offset moves when a transaction that read it in a DML commits,
 * an update is a DELETE and an INSERT of one METADATA$ROW_ID, DDL is outside of transactions, a transaction whose client
 * is gone stays open and keeps its locks until it is aborted.
 */

type Cell = string | null

interface StoredRow {
  readonly id: string
  readonly v: string | null
}

interface StagedRow extends StoredRow {
  readonly seq: number
  readonly action: 'INSERT' | 'DELETE'
}

interface Control {
  number: number
  staging: string
}

interface OpenTransaction {
  readonly id: string
  readonly name: string
  readonly session: string
  control: Control | null
  rows: { readonly table: string; readonly staged: readonly StagedRow[] } | null
  offset: Map<number, StoredRow> | null
}

interface Reply {
  readonly names: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

/** The client dies at a statement: before it had an effect, or after, with its answer lost. */
export interface Death {
  readonly statement: number
  readonly phase: 'before' | 'after'
}

const DONE: Reply = { names: ['status'], rows: [['done']] }

export class StreamStub {
  /** Row id → row. */
  readonly table = new Map<number, StoredRow>()
  readonly staging = new Map<string, StagedRow[]>()
  readonly statements: string[] = []
  death: Death | null = null
  stale = false
  /** Then three more rows of the table have none. */
  keyIsNullable = false
  control: Control | null = null
  #offset = new Map<number, StoredRow>()
  #nextRow = 1
  #nextTransaction = 1
  readonly #dead = new Set<string>()
  readonly #open: OpenTransaction[] = []
  #wire: SnowflakeWire | null = null

  async start(): Promise<Readonly<Record<string, string>>> {
    this.#wire = await serveSnowflake({
      query: (asked) => this.#execute(asked),
      logout: (session) => {
        // An orderly end rolls back.
        if (!this.#dead.has(session)) this.#rollback(session)
      },
    })
    return {
      account: 'stub',
      host: this.#wire.url,
      user: 'sluice',
      password: 'stub-password',
      database: 'shop',
      table: 'orders',
      stream: 'orders_stream',
      load_type: 'stream',
    }
  }

  async close(): Promise<void> {
    await this.#wire?.close()
  }

  insert(id: string, v: string | null): void {
    this.table.set(this.#nextRow++, { id, v })
  }

  update(id: string, change: Partial<StoredRow>): void {
    for (const [row, stored] of this.table) if (stored.id === id) this.table.set(row, { ...stored, ...change })
  }

  delete(id: string): void {
    for (const [row, stored] of this.table) if (stored.id === id) this.table.delete(row)
  }

  /** The stream begins here. */
  createStream(): void {
    this.#offset = new Map(this.table)
  }

  /** The next statement is number 1 again, and nobody dies. */
  rewind(): void {
    this.statements.length = 0
    this.death = null
  }

  #execute({ session, sql, binds }: WireQuery): WireAnswer {
    if (this.#dead.has(session)) return failed('003001', '42501', 'the client is dead')
    this.statements.push(sql)
    const dies = this.death !== null && this.statements.length === this.death.statement ? this.death.phase : null
    if (dies === 'before') {
      this.#dead.add(session)
      return failed('003001', '42501', 'died before')
    }
    try {
      const { names, rows } = this.#reply(session, sql, binds)
      if (dies === 'after') {
        this.#dead.add(session)
        return failed('003001', '42501', 'died after')
      }
      return { columns: names.map((name) => ({ name, type: 'text' })), rows }
    } catch (error) {
      if (error instanceof Refused) return failed(error.code, error.sqlState, error.message)
      return failed('000603', 'XX000', String(error))
    }
  }

  #reply(session: string, sql: string, binds: readonly string[]): Reply {
    const on = (form: RegExp): RegExpExecArray | null => form.exec(sql)
    if (on(/^alter session set /)) return DONE
    if (on(/information_schema\.tables where/))
      return { names: ['s', 't', 'k', 'r', 'b'], rows: [['PUBLIC', 'ORDERS', 'BASE TABLE', '0', '0']] }
    if (on(/^select column_name, data_type/)) {
      const number: Cell[] = ['ID', 'NUMBER', '38', '0', null, this.keyIsNullable ? 'YES' : 'NO']
      return { names: ['n', 'd', 'p', 's', 'l', 'i'], rows: [number, ['V', 'TEXT', null, null, '100', 'YES']] }
    }
    if (on(/^select column_name from/)) {
      const columns = ['ID', 'V', 'SLUICE$SEQ', 'SLUICE$ACTION'].map((name) => [name])
      return { names: ['column_name'], rows: this.staging.has(binds[1]!) ? columns : [] }
    }
    if (on(/^show primary keys/)) return { names: ['key_sequence', 'column_name'], rows: [['1', 'ID']] }
    if (on(/^select current_timestamp\(\)/)) return { names: ['now'], rows: [['2026-01-02T00:00:00.000+00:00']] }
    if (on(/^select count\(\*\) from/)) return { names: ['n'], rows: [[this.keyIsNullable ? '3' : '0']] }
    if (on(/^describe stream "SHOP"\."PUBLIC"\."ORDERS_STREAM"$/))
      return { names: ['table_name', 'stale'], rows: [['SHOP.PUBLIC.ORDERS', String(this.stale)]] }
    if (on(/^describe stream/)) throw new Refused('002003', '42S02', 'Stream does not exist or not authorized.')
    if (on(/^show transactions$/))
      return { names: ['id', 'name', 'state'], rows: this.#open.map(({ id, name }) => [id, name, 'running']) }
    const abort = on(/^select system\$abort_transaction\((\d+)\)$/)
    if (abort !== null) {
      this.#end(this.#open.find(({ id }) => id === abort[1]))
      return DONE
    }
    if (on(/^create table if not exists .*_CONTROL"/)) return DONE
    if (on(/^insert into .*_CONTROL" select 0/)) {
      this.control ??= { number: 0, staging: '' }
      return { names: ['n'], rows: [['1']] }
    }
    if (on(/^select number_taken, staging, taken_at/)) {
      const { number, staging } = this.control!
      return { names: ['n', 's', 't'], rows: [[String(number), staging, '2026-01-02T00:00:00.500+00:00']] }
    }
    if (on(/^select system\$stream_has_data\(/)) return { names: ['has'], rows: [[String(this.#changes().length > 0)]] }
    const created = on(/^create transient table "SHOP"\."PUBLIC"\."(\w+)" as .* where 1 = 0$/)
    if (created !== null) {
      this.staging.set(created[1]!, [])
      return DONE
    }
    const begun = on(/^begin transaction name (\w+)$/)
    if (begun !== null) {
      const id = String(this.#nextTransaction++)
      this.#open.push({ id, name: begun[1]!, session, control: null, rows: null, offset: null })
      return DONE
    }
    const transaction = this.#open.find((each) => each.session === session)
    const moved = on(/^update .*_CONTROL" set number_taken = (\d+), staging = '(\w+)'.* where number_taken = (\d+) and/)
    if (moved !== null) {
      const locked = this.#open.some((other) => other !== transaction && other.control !== null)
      if (locked) throw new Refused('000625', '57014', 'lock timeout')
      if (this.control?.number !== Number(moved[3])) return { names: ['n'], rows: [['0']] }
      transaction!.control = { number: Number(moved[1]), staging: moved[2]! }
      return { names: ['n'], rows: [['1']] }
    }
    const taken = on(
      /^insert into "SHOP"\."PUBLIC"\."(\w+)" .* row_number\(\) over \(order by "ID", metadata\$action, metadata\$row_id\), metadata\$action from "SHOP"\."PUBLIC"\."ORDERS_STREAM"$/,
    )
    if (taken !== null) {
      const staged = this.#changes().map((change, at) => ({ ...change, seq: at + 1 }))
      transaction!.rows = { table: taken[1]!, staged }
      transaction!.offset = new Map(this.table)
      return { names: ['n'], rows: [[String(staged.length)]] }
    }
    if (sql === 'rollback') {
      this.#rollback(session)
      return DONE
    }
    if (sql === 'commit') {
      // Of an aborted one nothing is left to commit.
      if (transaction !== undefined) this.#commit(transaction)
      return DONE
    }
    const read = on(/from "SHOP"\."PUBLIC"\."(\w+)" where "SLUICE\$SEQ" > (\d+) order by "SLUICE\$SEQ"$/)
    if (read !== null) {
      const rows = this.staging.get(read[1]!)
      if (rows === undefined) throw new Refused('002003', '42S02', `table ${read[1]} does not exist`)
      const behind = rows.filter(({ seq }) => seq > Number(read[2]))
      return { names: ['s', 'a', 'i', 'v'], rows: behind.map(({ seq, action, id, v }) => [String(seq), action, id, v]) }
    }
    const start = on(
      /^select "ID", "V" from "SHOP"\."PUBLIC"\."ORDERS" at\(stream => '"SHOP"\."PUBLIC"\."ORDERS_STREAM"'\) where "ID" is not null( and "ID" > cast\(\? as NUMBER\(38,0\)\))? order by "ID" limit (\d+)$/,
    )
    if (start !== null) {
      const after = start[1] === undefined ? null : BigInt(binds[0]!)
      const rows = [...this.#offset.values()]
        .sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1))
        .filter(({ id }) => after === null || BigInt(id) > after)
        .slice(0, Number(start[2]))
      return { names: ['ID', 'V'], rows: rows.map(({ id, v }) => [id, v]) }
    }
    if (on(/^show terse tables like /)) return { names: ['name'], rows: [...this.staging.keys()].map((name) => [name]) }
    const dropped = on(/^drop table if exists "SHOP"\."PUBLIC"\."(\w+)"$/)
    if (dropped !== null) {
      this.staging.delete(dropped[1]!)
      return DONE
    }
    throw new Refused('001003', '42000', `the stub does not know: ${sql}`)
  }

  /** What the stream holds, as the statement that takes it orders it. */
  #changes(): Omit<StagedRow, 'seq'>[] {
    const all: (Omit<StagedRow, 'seq'> & { readonly row: number })[] = []
    for (const [row, before] of this.#offset) {
      if (this.table.get(row) !== before) all.push({ ...before, action: 'DELETE', row })
    }
    for (const [row, now] of this.table) if (this.#offset.get(row) !== now) all.push({ ...now, action: 'INSERT', row })
    return all
      .sort(
        (a, b) =>
          (BigInt(a.id) < BigInt(b.id) ? -1 : BigInt(a.id) > BigInt(b.id) ? 1 : 0) ||
          a.action.localeCompare(b.action) ||
          a.row - b.row,
      )
      .map(({ id, v, action }) => ({ id, v, action }))
  }

  #commit(transaction: OpenTransaction): void {
    const { control, rows, offset } = transaction
    if (control !== null) this.control = control
    if (offset !== null) this.#offset = offset
    if (rows !== null) this.staging.get(rows.table)?.push(...rows.staged)
    this.#end(transaction)
  }

  #rollback(session: string): void {
    for (const each of this.#open.filter((open) => open.session === session)) this.#end(each)
  }

  #end(transaction: OpenTransaction | undefined): void {
    if (transaction !== undefined) this.#open.splice(this.#open.indexOf(transaction), 1)
  }
}

class Refused extends Error {
  readonly code: string
  readonly sqlState: string

  constructor(code: string, sqlState: string, message: string) {
    super(message)
    this.code = code
    this.sqlState = sqlState
  }
}

function failed(code: string, sqlState: string, message: string): WireAnswer {
  return { code, sqlState, message }
}
