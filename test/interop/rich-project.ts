import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openEmbeddedLog } from '../../src/adapters/embedded-log/embedded-log.ts'
import { openEmbeddedRegistry } from '../../src/adapters/registry/embedded-registry.ts'
import { checkEvolution } from '../../src/contract/evolution.ts'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import type { OutgoingRecord } from '../../src/domain/record-batch.ts'
import { avscOf } from '../contract/avro/avsc-type.ts'
import type { Cell } from '../parquet/build-columns.ts'
import { sluice, sluiceJson } from '../support/sluice.ts'

/** A project that makes a table of every kind out of records of every type, and the plain input that it was given. */

const nullable = (name: string, type: unknown, more: object = {}): object => ({
  name,
  type: ['null', type],
  default: null,
  ...more,
})
const decimal = (precision: number, scale: number): object => ({
  type: 'bytes',
  logicalType: 'decimal',
  precision,
  scale,
})
const MICROS = { type: 'long', logicalType: 'timestamp-micros' }

const fieldsOf = (minimum: number): object[] => [
  { name: 'id', type: 'string' },
  { name: 'n', type: 'int', constraints: { minimum } },
  nullable('big', 'long'),
  nullable('price', decimal(12, 3)),
  nullable('wide', decimal(38, 10)),
  nullable('ratio', 'double'),
  nullable('small', 'float'),
  nullable('flag', 'boolean'),
  nullable('raw', 'bytes'),
  nullable('born', { type: 'int', logicalType: 'date' }),
  nullable('seen', MICROS),
  nullable('tags', { type: 'array', items: ['null', 'string'] }),
  nullable('props', { type: 'map', values: ['null', 'long'] }),
  nullable('address', {
    type: 'record',
    name: 'Address',
    fields: [nullable('street', 'string'), nullable('codes', { type: 'array', items: ['null', 'int'] })],
  }),
  nullable('region', 'string'),
  { name: 'changed', type: MICROS },
]
const recordOf = (fields: readonly object[]): string => JSON.stringify({ type: 'record', name: 'Thing', fields })

/** What producers write: the contract's fields, or those and some that it does not know yet. */
const WRITERS = {
  plain: recordOf(fieldsOf(0)),
  extra: recordOf([...fieldsOf(0), nullable('extra', 'string'), nullable('score', 'double')]),
  noted: recordOf([...fieldsOf(0), nullable('note', 'string')]),
} as const
export type Writer = keyof typeof WRITERS

const CONTRACTS = {
  strict: recordOf(fieldsOf(0)),
  /** Takes what the strict one refused. */
  loose: recordOf(fieldsOf(-1000)),
  /** Has a column more. */
  noted: recordOf([...fieldsOf(-1000), nullable('note', 'string')]),
} as const

const LIST: ColumnType = { kind: 'list', element: { kind: 'string' }, elementNullable: true }
/** The record's own columns, as contract docs say that they land. */
export const THING_FIELDS: readonly ColumnField[] = (
  [
    ['id', { kind: 'string' }],
    ['n', { kind: 'int32' }],
    ['big', { kind: 'int64' }],
    ['price', { kind: 'decimal', precision: 12, scale: 3 }],
    ['wide', { kind: 'decimal', precision: 38, scale: 10 }],
    ['ratio', { kind: 'float64' }],
    ['small', { kind: 'float32' }],
    ['flag', { kind: 'boolean' }],
    ['raw', { kind: 'binary' }],
    ['born', { kind: 'date' }],
    ['seen', { kind: 'timestamp' }],
    ['tags', LIST],
    ['props', { kind: 'map', value: { kind: 'int64' }, valueNullable: true }],
    [
      'address',
      {
        kind: 'struct',
        fields: [
          { name: 'street', type: { kind: 'string' }, nullable: true },
          {
            name: 'codes',
            type: { kind: 'list', element: { kind: 'int32' }, elementNullable: true },
            nullable: true,
          },
        ],
      },
    ],
    ['region', { kind: 'string' }],
    ['changed', { kind: 'timestamp' }],
  ] as [string, ColumnType][]
).map(([name, type]) => ({ name, type, nullable: true }))

export type Thing = Readonly<Record<string, Cell>> & { readonly id: string; readonly n: number }

const REGIONS = ['plain', 'a b', 'ü/é', "it's", '100%', 'x=y&z', 'q"?#:', 'a%20b', '{c}[d]', '', '\u{1f600}', null]
export const START_MICROS = 1_767_225_600_000_000n
const HOUR_MICROS = 3_600_000_000n

/** The `i`th change, of one of `keys` keys; every fifth has nothing but what it must. */
export function thing(i: number, keys = 12): Thing {
  const n = BigInt(i)
  const must = {
    id: `k${i % keys}`,
    n: i * 3,
    region: REGIONS[(i % keys) % REGIONS.length]!,
    changed: START_MICROS + n * HOUR_MICROS,
  }
  const none = Object.fromEntries(THING_FIELDS.map(({ name }) => [name, null]))
  if (i % 5 === 4) return { ...none, ...must }
  return {
    ...none,
    ...must,
    // past what a double holds, and a sum of many is still a long
    big: 9_007_199_254_740_993n + n,
    price: n * 1001n - 7000n,
    wide: (n - 3n) * 10n ** 20n + 1n,
    ratio: i / 3,
    small: i / 4,
    flag: i % 2 === 0,
    raw: Uint8Array.of(i % 256, 255, 0),
    born: 20_400 + (i % 3),
    seen: START_MICROS + n * 999n,
    tags: i % 3 === 0 ? [] : [`t${i}`, null],
    props: new Map([
      ['k', n],
      ['none', null],
    ]),
    address: { street: `s${i}`, codes: i % 2 === 0 ? null : [i, null] },
  }
}

const SETTINGS = `
lake: {uri: lake}
broker: {kind: embedded, dir: state/log}
registry: {kind: embedded, dir: state/registry}
paths: {schemas: schemas, models: models}
topics: {things: {partitions: 2}}
tables:
  bronze:
    things: {topic: things, key: [id], on_unknown_field: rescue}
    grown: {topic: things, contract: things-value, key: [id], on_unknown_field: evolve}
`
const CHANGE = '_op, _record_ts, _epoch, _partition, _offset'
const MODELS: Readonly<Record<string, readonly [yaml: string, sql: string | null]>> = {
  'silver/things': [
    'kind: merge\nkey: [id]\nsequence_by: changed\npartition_by: [region]\n',
    `select id, n, big, price, wide, ratio, flag, raw, born, seen, tags, address, region, changed, ${CHANGE} from bronze.things`,
  ],
  'gold/dim_thing': [
    'kind: scd2\nkey: [id]\nsequence_by: changed\ntrack: [price, region]\nsurrogate_key: thing_sk\n',
    `select id, price, region, changed, ${CHANGE} from bronze.things`,
  ],
  'gold/fact_thing': [
    'kind: merge\nkey: [id]\npartition_by: [born]\nlookups:\n  - {dimension: gold.dim_thing, on: {id: id}, at: changed, as: thing_sk}\n',
    'select id, born, n, price, changed from silver.things',
  ],
  'gold/totals': [
    'kind: full\n',
    'select region, count(*) as things, sum(n) as n, sum(price) as price from silver.things where not _deleted group by region',
  ],
  'gold/dim_date': ['kind: calendar\nover: {table: silver.things, column: changed}\n', null],
}

export class RichProject {
  readonly folder: string
  readonly lake: string
  /** What was appended and passes the contract in force, by `partition/offset`. */
  readonly landed = new Map<string, Thing>()
  /** Refused until the contract is loosened. */
  readonly refused = new Map<string, Thing>()
  /** Key → its newest record; null once deleted. */
  readonly newest = new Map<string, Thing | null>()
  readonly ends = [0, 0]
  #made = 0

  constructor(folder: string) {
    this.folder = folder
    this.lake = join(folder, 'lake')
  }

  async write(): Promise<void> {
    const files: Record<string, string> = { 'sluice.yaml': SETTINGS, 'schemas/things-value.avsc': CONTRACTS.strict }
    for (const [name, [yaml, sql]] of Object.entries(MODELS)) {
      files[`models/${name}.yaml`] = yaml
      if (sql !== null) files[`models/${name}.sql`] = sql
    }
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(this.folder, path, '..'), { recursive: true })
      await writeFile(join(this.folder, path), text)
    }
  }

  run<T = unknown>(...args: readonly string[]): Promise<T> {
    return sluiceJson<T>([...args, '--config', join(this.folder, 'sluice.yaml')])
  }

  end(...args: readonly string[]): ReturnType<typeof sluice> {
    return sluice([...args, '--json', '--config', join(this.folder, 'sluice.yaml')])
  }

  async propose(contract: keyof typeof CONTRACTS): Promise<void> {
    await writeFile(join(this.folder, 'schemas/things-value.avsc'), CONTRACTS[contract])
    await this.run('contract', 'register')
  }

  /** The next `count` changes. Of each key's one partition, as a producer that goes by keys would choose. */
  async produce(
    count: number,
    writer: Writer = 'plain',
    change: (thing: Thing) => Thing = (same) => same,
  ): Promise<void> {
    const things = Array.from({ length: count }, () => change(thing(this.#made++)))
    await this.#append(
      things.map((each) => ({ each, id: each.id })),
      writer,
    )
  }

  /** Tombstones. */
  async remove(ids: readonly string[]): Promise<void> {
    await this.#append(
      ids.map((id) => ({ each: null, id })),
      'plain',
    )
  }

  /** What the contract refuses for now. */
  async produceRefused(count: number): Promise<void> {
    const things = Array.from({ length: count }, () => ({ ...thing(this.#made++), n: -5 }))
    await this.#append(
      things.map((each) => ({ each, id: each.id })),
      'plain',
    )
  }

  /** The contract was loosened and the letters redriven. */
  redriven(): void {
    for (const [at, each] of this.refused) {
      this.landed.set(at, each)
      this.#note(each.id, each)
    }
    this.refused.clear()
  }

  async #append(
    changes: readonly { readonly each: Thing | null; readonly id: string }[],
    writer: Writer,
  ): Promise<void> {
    const dir = join(this.folder, 'state')
    const registry = await openEmbeddedRegistry({
      dir: join(dir, 'registry'),
      compatible: checkEvolution,
      clock: systemClock,
    })
    const schema = { format: 'avro', text: WRITERS[writer] } as const
    const { id: schemaId } = await registry.register(`producer-${writer}-value`, schema)
    await registry.close()
    const records: OutgoingRecord[][] = [[], []]
    for (const { each, id } of changes) {
      const partition = Number(id.slice(1)) % 2
      const at = `${partition}/${this.ends[partition]!++}`
      records[partition]!.push({
        key: Buffer.from(id),
        value: each === null ? null : encode(writer, schemaId, each),
        headers: [],
        timestampMs: Number(
          (each === null ? START_MICROS + 10_000n * HOUR_MICROS : (each['changed'] as bigint)) / 1000n,
        ),
      })
      if (each !== null && each.n < 0) this.refused.set(at, each)
      else {
        this.landed.set(at, each ?? tombstone(id))
        this.#note(id, each)
      }
    }
    const log = await openEmbeddedLog({ dir: join(dir, 'log'), clock: systemClock })
    await log.create('things', { partitions: 2, retentionMs: null })
    const batches = records.flatMap((each, partition) =>
      each.length === 0 ? [] : [{ topic: 'things', partition, records: each }],
    )
    await log.append({ batches, state: null })
    await log.close()
  }

  #note(id: string, each: Thing | null): void {
    const before = this.newest.get(id)
    if (before === null) return
    if (before === undefined || each === null || (each['changed'] as bigint) > (before['changed'] as bigint))
      this.newest.set(id, each)
  }
}

function tombstone(id: string): Thing {
  const none = Object.fromEntries(THING_FIELDS.map(({ name }) => [name, null]))
  return { ...none, id } as unknown as Thing
}

/** By avsc, which shares nothing with our encoders; byte 0 and the schema's id in front. */
function encode(writer: Writer, schemaId: number, each: Thing): Uint8Array {
  const type = avscOf(JSON.parse(WRITERS[writer]), false)
  const head = Buffer.alloc(5)
  head.writeInt32BE(schemaId, 1)
  const value = Object.fromEntries(Object.entries(each).map(([name, cell]) => [name, avroValue(name, cell)]))
  const own =
    writer === 'extra'
      ? { extra: `x ${each.id}`, score: each.n / 7 }
      : writer === 'noted'
        ? { note: `n ${each.id}` }
        : {}
  return Buffer.concat([head, type.toBuffer({ ...value, ...own })])
}

function avroValue(name: string, cell: Cell): unknown {
  if (cell === null) return null
  if (name === 'price' || name === 'wide') return decimalBytes(cell as bigint)
  if (cell instanceof Uint8Array) return Buffer.from(cell)
  if (cell instanceof Map) return Object.fromEntries(cell)
  return cell
}

/** Two's complement, most significant byte first. */
function decimalBytes(unscaled: bigint): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeBigInt64BE(BigInt.asIntN(64, unscaled >> 64n), 0)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, unscaled), 8)
  return bytes
}
