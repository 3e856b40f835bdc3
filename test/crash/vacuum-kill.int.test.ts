import assert from 'node:assert/strict'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { rawRows, activeFiles } from '../support/raw-delta.ts'
import { runSeed } from '../support/random.ts'
import { makeLines, writeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder, type Ended } from '../support/sluice.ts'

/**
 * `vacuum` is killed with SIGKILL right after each of its steps became durable. At each the table is whole, a restore
 * knows of it, and the same call again goes on.
 */
const KILL = join(REPOSITORY, 'test/support/kill-at.ts')
const CONFIG = join(REPOSITORY, 'examples/online-retail/config.yaml')
const TABLE = 'bronze.order_lines'
const VACUUM = ['vacuum', TABLE, '--retain-hours', '0', '--allow-short', '--yes', '--config', CONFIG]
/** More than go in one batch. */
const ORPHANS = 4_100

const STEPS = ['commit.done:1', 'files.removed:1', 'files.removed:2', 'commit.done:2', 'vacuum.done:1'] as const

const seed = runSeed()

describe(`kill -9 in vacuum (SLUICE_SEED=${seed})`, () => {
  const { files } = makeLines(seed, 2, 120)
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let env: Record<string, string>
  let table: string
  let whole: unknown
  let round = 0
  before(async () => {
    folder = await temporaryFolder('vacuum-kill')
    const data = join(folder.path, 'data')
    env = { LAKE: join(folder.path, 'lake'), RETAIL_DATA: data }
    table = join(folder.path, 'lake/bronze/order_lines')
    await writeLines(data, files)
    await sluiceJson(['connect', '--config', CONFIG], { env })
    await sluiceJson(['ingest', '--config', CONFIG], { env })
    whole = await rows()
  })
  after(() => folder.remove())

  for (const step of STEPS) {
    it(`killed after ${step}, the table is whole and the same call goes on`, async () => {
      await litter()
      const killed = await sluice(VACUUM, { env: { ...env, SLUICE_KILL: step }, preload: [KILL] })
      assert.equal(killed.signal, 'SIGKILL', killed.stderr)
      await holds()
      const again = await sluiceJson<Report>(VACUUM, { env })
      assert.ok(['vacuumed', 'unchanged'].includes(again.tables[0]!.outcome), JSON.stringify(again))
      await holds()
      assert.deepEqual(await dataFiles(), (await activeFiles(table)).sort())
      const third = await sluiceJson<Report>(VACUUM, { env })
      assert.equal(third.tables[0]!.outcome, 'unchanged')
      assert.equal(third.tables[0]!.version, again.tables[0]!.version)
    })
  }

  it('of two processes at once one may be refused; together they leave what one would', async () => {
    await litter()
    const both = await Promise.all([sluice(VACUUM, { env }), sluice(VACUUM, { env })])
    for (const { code, stderr } of both) assert.ok(code === 0 || /COMMIT_CONTENDED/.test(stderr), stderr)
    assert.ok(both.some(({ code }: Ended) => code === 0))
    await holds()
    assert.deepEqual(await dataFiles(), (await activeFiles(table)).sort())
  })

  it('without a yes and a terminal nothing goes, and a dry run needs none', async () => {
    await litter(3)
    const before = await dataFiles()
    const call = VACUUM.filter((word) => word !== '--yes')
    const refused = await sluice(call, { env })
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, /CONFIRMATION_NEEDED/)
    const planned = await sluiceJson<Report>([...call, '--dry-run'], { env })
    assert.deepEqual([planned.tables[0]!.outcome, planned.tables[0]!.files], ['planned', 3])
    assert.deepEqual(await dataFiles(), before)
    const done = await sluiceJson<Report>(VACUUM, { env })
    assert.deepEqual(before.length - (await dataFiles()).length, done.tables[0]!.files)
    assert.equal(done.tables[0]!.files, 3)
  })

  it('the guard speaks before anything else, with its code', async () => {
    const short = await sluice(['vacuum', TABLE, '--retain-hours', '1', '--yes', '--json', '--config', CONFIG], { env })
    assert.equal(short.code, 2)
    assert.equal((JSON.parse(short.stdout) as { error: { code: string } }).error.code, 'RETENTION_TOO_SHORT')
  })

  interface Report {
    readonly tables: readonly { readonly outcome: string; readonly files: number; readonly version: number }[]
  }

  /** Files of writers that died a month ago, and, by reading a range again, files that the newest version lacks. */
  async function litter(orphans = ORPHANS): Promise<void> {
    round += 1
    const old = new Date(Date.now() - 30 * 86_400_000)
    const partition = join(table, '_run_date=2020-01-01')
    await mkdir(partition, { recursive: true })
    for (let i = 0; i < orphans; i += 1) {
      const path = join(i % 2 === 0 ? table : partition, `part-${round}-${i}.parquet`)
      await writeFile(path, '')
      await utimes(path, old, old)
    }
    if (orphans < ORPHANS) return
    const range = ['--from-offset', '0', '--to-offset', '40', '--yes', '--config', CONFIG]
    await sluiceJson(['replay', '--topic', 'order_lines', ...range], { env })
  }

  async function holds(): Promise<void> {
    const proof = await sluiceJson<{ ok: boolean }>(['verify', '--config', CONFIG], { env })
    assert.equal(proof.ok, true)
    assert.deepEqual(await rows(), whole)
  }

  function rows(): Promise<unknown[]> {
    return rawRows(table, 'select _partition, _epoch, _offset, "StockCode", "Quantity" from rows order by all')
  }

  async function dataFiles(): Promise<string[]> {
    const names = await readdir(table, { recursive: true })
    return names
      .filter((name) => name.endsWith('.parquet') && !name.startsWith('_delta_log'))
      .map((name) => join(table, name))
      .sort()
  }
})
