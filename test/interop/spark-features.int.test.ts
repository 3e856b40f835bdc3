import assert from 'node:assert/strict'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { engineMissing, startEngine, type DeltaEngine } from '../services/delta-engine.ts'
import { rawRows } from '../support/raw-delta.ts'
import { rowTexts } from './seen-rows.ts'
import { makeLines, writeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'

/** Spark deletes by deletion vectors and renames columns by column mapping: every way of ours to read agrees with it. */

const CONFIG = join(REPOSITORY, 'examples/online-retail/config.yaml')
const BRONZE = 'bronze.order_lines'
const SILVER = 'silver.order_lines'
const DELETED = '_offset % 7 = 3'
const made = makeLines(11, 5, 200)

type Row = Readonly<Record<string, unknown>>
interface Verified {
  readonly tables: readonly { partitions: { partition: number; missing: [string, string][]; doubled: unknown[] }[] }[]
}

const skip = await engineMissing('spark')

describe('tables that Spark changes by features of its own', { skip }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let spark: DeltaEngine
  let lake: string
  let env: Record<string, string>
  const at = (table: string): string => join(lake, table.replace('.', '/'))
  const json = <T>(args: readonly string[], exit = 0): Promise<T> =>
    sluiceJson<T>([...args, '--config', CONFIG], { env, exit })
  const query = (sql: string): Promise<Row[]> => json(['query', sql])
  const own = 'line_id, invoice_no, stock_code, quantity, unit_price, customer_id'
  const silverRows = (): Promise<Row[]> => query(`select ${own} from ${SILVER} order by all`)
  const vectorsOf = async (table: string): Promise<number> =>
    (await readdir(at(table), { recursive: true })).filter((name) => name.includes('deletion_vector_')).length

  before(async () => {
    folder = await temporaryFolder('spark-features')
    lake = join(folder.path, 'lake')
    const data = join(folder.path, 'data')
    await mkdir(data)
    env = { LAKE: lake, RETAIL_DATA: data }
    await writeLines(data, new Map([...made.files].slice(0, 3)))
    await json(['run'])
    spark = await startEngine('spark')
  })
  after(async () => {
    await spark?.close()
    await folder.remove()
  })

  it('rows that a deletion vector names are in no query, proof, change or model; the files stay as they are', async () => {
    const gone = await rawRows(
      at(BRONZE),
      `select _partition::int as p, _offset::int as o from rows where ${DELETED} order by all`,
    )
    const before = (await query(`select count(*) as n from ${BRONZE}`))[0]!['n']
    await spark.run(at(BRONZE), "alter table {t} set tblproperties ('delta.enableDeletionVectors' = 'true')")
    await spark.remove(at(BRONZE), DELETED)
    assert.ok((await vectorsOf(BRONZE)) > 0, 'Spark wrote no deletion vector')
    const theirs = await spark.read(at(BRONZE))
    const [ours] = await query(`select count(*) as n, sum(_offset) as o, sum(Quantity) as q from ${BRONZE}`)
    assert.equal(theirs.rows, Number(before) - gone.length)
    assert.deepEqual(
      [Number(ours!['n']), String(ours!['o']), String(ours!['q'])],
      [theirs.rows, theirs.sums['_offset'], theirs.sums['Quantity']],
    )
    const { tables } = await json<Verified>(['verify', BRONZE], 1)
    const missing = tables[0]!.partitions.flatMap(({ partition, missing: ranges }) =>
      ranges.flatMap(([first, next]) =>
        Array.from({ length: Number(next) - Number(first) }, (_, n) => ({ p: partition, o: Number(first) + n })),
      ),
    )
    assert.deepEqual(
      missing.sort((a, b) => a.p - b.p || a.o - b.o),
      gone,
    )
    assert.deepEqual(
      tables[0]!.partitions.flatMap(({ doubled }) => doubled),
      [],
    )
    const changes = await json<{ added: number; removed: number; removed_rows: Row[] }>(['table', 'changes', BRONZE])
    assert.deepEqual([changes.added, changes.removed], [0, gone.length])
    const described = await json<{ rows: number }>(['table', 'describe', BRONZE])
    assert.equal(described.rows, theirs.rows)
  })

  it('an increment after such a delete equals a rebuild, and so it does after another', async () => {
    for (const condition of [null, '_offset % 11 = 5']) {
      if (condition !== null) await spark.remove(at(BRONZE), condition)
      const { models } = await json<{ models: { model: string; outcome: string }[] }>(['build', SILVER])
      assert.equal(models[0]!.outcome, 'built')
      const incremental = await silverRows()
      const [left] = await query(
        `select count(*) as n from (select distinct InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country from ${BRONZE})`,
      )
      assert.equal(incremental.length, Number(left!['n']))
      await json(['build', SILVER, '--full-refresh'])
      assert.deepEqual(await silverRows(), incremental)
    }
  })

  it('ingest goes on into the table, and its merge into a table with vectors; Spark reads both', async () => {
    await spark.run(at(SILVER), "alter table {t} set tblproperties ('delta.enableDeletionVectors' = 'true')")
    const [line] = await query(
      `select invoice_no, count(*) as n from ${SILVER} group by all order by n desc, 1 limit 1`,
    )
    await spark.remove(at(SILVER), `invoice_no = '${String(line!['invoice_no'])}'`)
    assert.ok((await vectorsOf(SILVER)) > 0)
    const before = await silverRows()
    await writeLines(env['RETAIL_DATA']!, new Map([...made.files].slice(3)))
    await json(['run'])
    const after_ = await silverRows()
    const kept = new Set(after_.map((row) => JSON.stringify(row)))
    assert.ok(
      before.every((row) => kept.has(JSON.stringify(row))),
      'rows of files with vectors were lost',
    )
    assert.ok(after_.length > before.length)
    assert.equal((await spark.read(at(SILVER))).rows, after_.length)
    const apps = [0, 1, 2, 3].map((partition) => `sluice/order_lines/${partition}`)
    const theirs = await spark.read(at(BRONZE), apps)
    const [ours] = await query(`select count(*) as n from ${BRONZE}`)
    assert.equal(theirs.rows, Number(ours!['n']))
    assert.equal(
      theirs.txns.reduce((sum: number, next) => sum + next!, 0),
      made.total,
    )
  })

  it('optimize rewrites files without their deleted rows, and a restore brings them back with their vectors', async () => {
    const { version, rows } = await json<{ version: number; rows: number }>(['table', 'describe', BRONZE])
    const before = rowTexts(await spark.read(at(BRONZE)))
    await json(['optimize', BRONZE])
    const theirs = await spark.read(at(BRONZE))
    assert.equal(theirs.rows, rows)
    // Row for row, as Spark reads them before and after.
    assert.deepEqual(rowTexts(theirs), before)
    assert.equal(Number((await query(`select count(*) as n from ${BRONZE}`))[0]!['n']), rows)
    // exit 1: the proof that a restore ends with names the offsets that Spark deleted
    const ended = await sluice(
      ['table', 'restore', BRONZE, '--to-version', String(version), '--yes', '--config', CONFIG],
      { env },
    )
    assert.equal(ended.code, 1)
    assert.match(ended.stdout, new RegExp(`the table is restored, and version ${version} was so already`))
    assert.match(
      ended.stdout,
      /missing: sluice replay --topic order_lines --table bronze.order_lines --partition \d+ --from-offset \d+ --to-offset \d+ --yes/,
    )
    const restored = await spark.read(at(BRONZE))
    assert.deepEqual([restored.rows, restored.sums], [rows, theirs.sums])
    assert.equal(Number((await query(`select count(*) as n from ${BRONZE}`))[0]!['n']), rows)
    await json(['optimize', BRONZE, '--zorder', 'StockCode,Quantity', '--set', 'performance.partition_size_mb=1'])
    assert.deepEqual(rowTexts(await spark.read(at(BRONZE))), before)
  })

  it('a table whose column types were widened is read with the types that it has now', async () => {
    const table = 'silver.widened'
    await spark.run(
      at(table),
      "create table {t} (n int, d date, f float) using delta tblproperties ('delta.enableTypeWidening' = 'true')",
    )
    await spark.run(at(table), "insert into {t} values (2147483647, date '2026-01-02', 1.5)")
    await spark.run(at(table), 'alter table {t} alter column n type bigint')
    await spark.run(at(table), 'alter table {t} alter column f type double')
    await spark.run(at(table), "insert into {t} values (9007199254740993, date '2026-01-03', 0.1)")
    assert.deepEqual(await query(`select sum(n) as n, min(n) as low, sum(f) as f from ${table}`), [
      { n: '9007201402224640', low: 2_147_483_647, f: 1.6 },
    ])
    assert.equal((await spark.read(at(table))).sums['n'], '9007201402224640')
  })

  for (const mode of ['name', 'id']) {
    it(`a table whose columns were renamed, dropped and added by column mapping (${mode}) is read as Spark reads it`, async () => {
      const table = `silver.mapped_${mode}`
      await spark.run(
        at(table),
        `create table {t} (id int, day date, text string, gone int, deep struct<a: int, b: array<struct<c: string>>>, m map<string, struct<q: int>>)
         using delta partitioned by (day) tblproperties ('delta.columnMapping.mode' = '${mode}', 'delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5')`,
      )
      const row = (n: number): string =>
        `select ${n} as id, date '2026-01-0${1 + (n % 3)}' as day, 'é, =${n}' as text, ${n} as gone, named_struct('a', ${n}, 'b', array(named_struct('c', 'x${n}'))) as deep, map('k', named_struct('q', ${n})) as m`
      const rows = (first: number, next: number): string =>
        Array.from({ length: next - first }, (_, n) => row(first + n)).join(' union all ')
      await spark.run(at(table), `insert into {t} ${rows(0, 6)}`)
      await spark.run(at(table), 'alter table {t} rename column text to `the text, now`')
      await spark.run(at(table), 'alter table {t} rename column day to `the day`')
      await spark.run(at(table), 'alter table {t} rename column deep.b to items')
      await spark.run(at(table), 'alter table {t} drop column gone')
      await spark.run(at(table), 'alter table {t} add column (gone string, deep.z int)')
      await spark.run(
        at(table),
        `insert into {t} select 9, date '2026-01-09', 'new', named_struct('a', 9, 'items', array(named_struct('c', 'n')), 'z', 99), map('k', named_struct('q', 9)), 'back'`,
      )
      await spark.run(at(table), "alter table {t} set tblproperties ('delta.enableDeletionVectors' = 'true')")
      await spark.remove(at(table), 'id = 2')
      const ours = await query(
        `select id, "the day", "the text, now", gone, deep.a as a, deep.z as z, deep.items[1].c as c, m['k'].q as q from ${table} order by id`,
      )
      const theirs = await spark.read(at(table))
      assert.equal(ours.length, theirs.rows)
      const expected = [0, 1, 3, 4, 5].map((n) => ({
        id: n,
        'the day': `2026-01-0${1 + (n % 3)}`,
        'the text, now': `é, =${n}`,
        gone: null,
        a: n,
        z: null,
        c: `x${n}`,
        q: n,
      }))
      const added = { id: 9, 'the day': '2026-01-09', 'the text, now': 'new', gone: 'back', a: 9, z: 99, c: 'n', q: 9 }
      assert.deepEqual(ours, [...expected, added])
      assert.deepEqual(await query(`select id from ${table} where "the day" = '2026-01-01' and id < 3`), [{ id: 0 }])
      const described = await json<{ columns: { name: string }[]; partition_columns: string[] }>([
        'table',
        'describe',
        table,
      ])
      assert.deepEqual(described.partition_columns, ['the day'])
      const { files } = await json<{ files: { rows: number; partition_values: Row }[] }>(['table', 'files', table])
      assert.equal(
        files.reduce((sum, each) => sum + each.rows, 0),
        theirs.rows,
      )
      assert.ok(files.every((each) => Object.keys(each.partition_values).join() === 'the day'))
      const changes = await json<{ removed: number; removed_rows: Row[] }>(['table', 'changes', table])
      assert.equal(changes.removed, 1)
      const refused = await sluice(['optimize', table, '--config', CONFIG], { env })
      assert.match(`${refused.code} ${refused.stderr}`, /^[1-9][0-9]* .*columnMapping/s)
      if (mode === 'name') assert.match(await logText(at(table)), /physicalName/)
    })
  }
})

async function logText(table: string): Promise<string> {
  return readFile(join(table, '_delta_log/00000000000000000000.json'), 'utf8')
}
