import { join } from 'node:path'
import { commitTransaction } from '../../src/lake/commit.ts'
import { addStagedFile } from '../../src/lake/data-file.ts'
import { engineInput } from '../../src/lake/engine-input.ts'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import type { ModelDefinition } from '../../src/domain/model.ts'
import { seededRandom } from '../support/random.ts'
import { vacuumHard } from '../support/vacuum.ts'
import { CHANGE_FIELDS, comparable, model } from './lake-fixture.ts'
import type { LakeFixture } from './lake-fixture.ts'

/** A lake that lives: records come late and twice, rows are taken out, tables are compacted and vacuumed. All from a seed. */

const CARRIED = '_op, _record_ts, _epoch, _partition, _offset'
const text = (name: string): ColumnField => ({ name, type: { kind: 'string' }, nullable: true })
/** One form for all streams: `id` is the row's key, `who` what it belongs to. */
const FIELDS: readonly ColumnField[] = [
  text('id'),
  text('who'),
  { name: 'happened', type: { kind: 'timestamp' }, nullable: true },
  { name: 'n', type: { kind: 'int32' }, nullable: true },
  ...CHANGE_FIELDS,
]
export const STREAM_KEYS = { people: ['who'], orders: ['id'], events: ['id'] } as const
type Stream = keyof typeof STREAM_KEYS
const STREAMS = Object.keys(STREAM_KEYS) as Stream[]

export function livingModels(): readonly ModelDefinition[] {
  return [
    model(
      'silver.people',
      'kind: merge\nkey: who\nsequence_by: happened\n',
      `select who, n as size, happened, ${CARRIED} from bronze.people`,
    ),
    model(
      'silver.orders',
      'kind: merge\nkey: id\nsequence_by: happened\npartition_by: day\n',
      `select id, who, n, happened, cast(happened as date) as day, ${CARRIED} from bronze.orders`,
    ),
    model(
      'silver.activity',
      `kind: merge
key: id
sequence_by: happened
partition_by: day
lookups:
  - {table: silver.people, on: {who: who}, take: {size: person_size}}
  - {table: silver.orders, on: {who: who}, at: {happened: happened}, tie_break: [id], take: {id: latest_order, happened: latest_at, n: latest_n}}
`,
      `select id, who, n, happened, cast(happened as date) as day, ${CARRIED} from bronze.events`,
    ),
    model(
      'gold.dim_person',
      'kind: scd2\nkey: who\nsequence_by: happened\ntrack: size\nsurrogate_key: person_sk\n',
      `select who, n % 3 as size, happened, ${CARRIED} from bronze.people`,
    ),
    model(
      'gold.fact_orders',
      'kind: merge\nkey: id\npartition_by: day\nlookups:\n  - {dimension: gold.dim_person, on: {who: who}, at: happened, as: person_sk}\n',
      'select id, who, happened, day, n from silver.orders',
    ),
    model(
      'gold.fact_activity',
      'kind: merge\nkey: id\nlookups:\n  - {dimension: gold.dim_person, on: {who: who}, at: happened, as: person_sk}\n',
      'select id, who, happened, latest_order, n + coalesce(latest_n, 0) as total from silver.activity where n > 2',
    ),
    model(
      'gold.by_size',
      'kind: full\n',
      `select d.size, count(*) as orders, sum(f.n) as n from gold.fact_orders f
       join gold.dim_person d on d.person_sk = f.person_sk group by d.size`,
    ),
    model('gold.dim_day', 'kind: calendar\nover: {table: silver.orders, column: happened}\n', null),
  ]
}

interface Row {
  readonly id: number
  readonly who: number
  readonly hour: number
  readonly n: number
  readonly deleted: boolean
  /** When its deletion counts from, in hours: of a record without a time of its own. */
  readonly offset: number
}

/** Where the rows come from, and which of them each file of bronze holds: known apart from the lake. */
export class LivingLake {
  readonly #lake: LakeFixture
  readonly #random: () => number
  readonly #vacuums: number
  /** Rows that stand, by stream. */
  readonly #rows: Record<Stream, Row[]> = { people: [], orders: [], events: [] }
  #offset = 0
  #hour = 0

  /** `vacuums`: the share of steps that vacuum a table, where it exists. */
  constructor(lake: LakeFixture, seed: number, vacuums = 0.12) {
    this.#lake = lake
    this.#random = seededRandom(seed)
    this.#vacuums = vacuums
  }

  /** One thing that happens to the lake, in words. */
  async step(): Promise<string> {
    const drawn = this.#random()
    const what = drawn < 1 - this.#vacuums ? (drawn / (1 - this.#vacuums)) * 0.88 : 1
    const stream = this.#pick(STREAMS)
    if (what < 0.6 || this.#rows[stream].length === 0) return this.#append(stream)
    if (what < 0.68) return this.#takeOut(stream)
    const bronze = STREAMS.map((name) => `bronze.${name}`)
    const built = livingModels().map(({ layer, table }) => `${layer}.${table}`)
    const table = this.#pick(this.#random() < 0.5 ? bronze : built)
    if ((await this.#lake.snapshot(table)) === null) return this.#append(stream)
    return what <= 0.88 ? compact(this.#lake, table) : this.#vacuum(table)
  }

  /** Models to build next: mostly all; else some, so that others fall behind and their inputs are vacuumed meanwhile. */
  select(): readonly string[] {
    if (this.#random() < 0.6) return []
    return livingModels()
      .map(({ layer, table }) => `${layer}.${table}`)
      .filter(() => this.#random() < 0.5)
  }

  /** Every stream's rows at once, into a lake that has none. */
  async retell(lake: LakeFixture): Promise<void> {
    for (const stream of STREAMS)
      await lake.write(`bronze.${stream}`, { sql: rowsSql(this.#rows[stream]), fields: FIELDS })
  }

  async begin(): Promise<void> {
    for (const stream of STREAMS) await this.#append(stream)
  }

  async #append(stream: Stream): Promise<string> {
    this.#hour += this.#random() * 6
    const count = 1 + Math.floor(this.#random() * 6)
    const rows = Array.from({ length: count }, () => this.#row())
    this.#rows[stream].push(...rows)
    await this.#lake.write(`bronze.${stream}`, { sql: rowsSql(rows), fields: FIELDS })
    return `${count} rows came to bronze.${stream}`
  }

  #row(): Row {
    const late = this.#random() < 0.3
    const hour = Math.floor(late ? this.#random() * this.#hour : this.#hour + this.#random() * 3)
    this.#offset += 1
    return {
      id: Math.floor(this.#random() * 40),
      who: Math.floor(this.#random() * 8),
      hour,
      n: 1 + Math.floor(this.#random() * 9),
      deleted: this.#random() < 0.12,
      offset: this.#offset,
    }
  }

  /** As `erase` and `replay` do: files of a bronze table are written anew without some rows. */
  async #takeOut(stream: Stream): Promise<string> {
    const id = this.#pick(this.#rows[stream]).offset % 5
    const stays = (row: Row): boolean => row.offset % 5 !== id
    const before = this.#rows[stream].length
    const snapshot = (await this.#lake.snapshot(`bronze.${stream}`))!
    this.#rows[stream] = this.#rows[stream].filter(stays)
    await this.#lake.write(`bronze.${stream}`, {
      sql: rowsSql(this.#rows[stream]),
      fields: FIELDS,
      removes: [...snapshot.files.keys()],
    })
    return `${before - this.#rows[stream].length} rows were taken out of bronze.${stream}`
  }

  /** At times before anybody has read what came last: then what reads the table must build anew. */
  async #vacuum(table: string): Promise<string> {
    const stream = STREAMS.find((name) => table === `bronze.${name}`)
    const first = stream !== undefined && this.#random() < 0.5 ? `${await this.#append(stream)}, then ` : ''
    const gone = await vacuumHard(join(this.#lake.folder, 'lake', table.replace('.', '/')))
    return `${first}${table} was vacuumed, and its log cut: ${gone} files went`
  }

  #pick<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() * of.length)]!
  }
}

/** All rows of a table into one file a partition; nothing is news. */
async function compact(lake: LakeFixture, table: string): Promise<string> {
  const [layer, name] = table.split('.')
  const store = lake.world.lake.at(`${layer}/${name}`)
  const snapshot = (await lake.snapshot(table))!
  const { fields, partitionColumns } = snapshot.metadata
  const staged = await lake.engine.stage({
    inputs: [await engineInput({ name: 't', store, snapshot })],
    steps: [],
    probes: [],
    output: {
      sql: `select ${fields.map((field) => field.name).join(', ')} from t`,
      fields,
      partitionBy: partitionColumns,
      folder: await lake.world.stagingFolder('compact'),
      targetFileBytes: 2 ** 27,
    },
  })
  const newId = (): string => lake.world.clock.newId()
  const adds = []
  for (const file of staged.files)
    adds.push(await addStagedFile({ store, staged: file, fields, partitionColumns, newId }))
  await commitTransaction({
    store,
    snapshot,
    adds,
    removes: [...snapshot.files.values()],
    txns: new Map(),
    expectTxns: new Map(),
    reads: 'removed-files',
    dataChange: false,
    operation: { name: 'OPTIMIZE', parameters: {}, metrics: {} },
    clock: lake.world.clock,
  })
  return `${table} was compacted: ${snapshot.files.size} files to ${adds.length}`
}

/** Every model's rows. */
export async function contents(lake: LakeFixture): Promise<Record<string, readonly string[]>> {
  const tables: Record<string, readonly string[]> = {}
  for (const { layer, table } of livingModels()) {
    tables[`${layer}.${table}`] = comparable(await lake.rows(`${layer}.${table}`))
  }
  return tables
}

function rowsSql(rows: readonly Row[]): string {
  const columns = FIELDS.map(({ name }) => name).join(', ')
  if (rows.length === 0) return `select ${FIELDS.map(({ name }) => `null as ${name}`).join(', ')} where false`
  const values = rows.map(({ id, who, hour, n, deleted, offset }) => {
    const at = `timestamp '2020-01-01 00:00:00' + interval (${hour}) hour`
    const own = deleted ? 'null, null' : `${at}, ${n}`
    return `('i${id}', 'w${who}', ${own}, '${deleted ? 'd' : 'c'}', ${at}, 0, ${offset % 2}, ${offset})`
  })
  return `select ${columns} from (values ${values.join(', ')}) as v(${columns})`
}
