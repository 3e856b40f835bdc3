import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { activeFiles, rawRows } from '../support/raw-delta.ts'
import { runSeed } from '../support/random.ts'
import { makeLines, writeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'

const CONFIG = join(REPOSITORY, 'examples/online-retail/config.yaml')
const DAYS = 4
const SETS = [
  'jobs.build.every=1s',
  'jobs.optimize.every=1s',
  'jobs.vacuum.every=1s',
  'jobs.vacuum.retain=1s',
  'jobs.vacuum.allow_short=true',
].flatMap((set) => ['--set', set])
const seed = runSeed()

interface Job {
  readonly job: string
  readonly state: string
  readonly last: { readonly started_at: string; readonly outcome: string; readonly files: number } | null
  readonly next_at: string | null
}

test(`up compacts and vacuums the lake's tables beside builds; a paused job rests (SLUICE_SEED=${seed})`, async (t) => {
  const folder = await temporaryFolder('upkeep')
  let child: ChildProcess | undefined
  after(async () => {
    child?.kill('SIGKILL')
    await folder.remove()
  })
  const env = { LAKE: join(folder.path, 'lake'), RETAIL_DATA: join(folder.path, 'data') }
  const table = join(folder.path, 'lake/bronze/order_lines')
  const { files } = makeLines(seed, DAYS, 60)
  for (let day = 1; day <= DAYS; day += 1) {
    await writeLines(env.RETAIL_DATA, new Map([...files].slice(0, day)))
    await sluiceJson(['connect', '--config', CONFIG], { env })
    await sluiceJson(['ingest', '--config', CONFIG], { env })
  }
  const rows = () => rawRows(table, 'select _partition, _epoch, _offset, "StockCode" from rows order by all')
  const before = { rows: await rows(), files: (await activeFiles(table)).length }
  assert.ok(before.files >= DAYS)
  const orphan = join(table, 'part-orphan.parquet')
  await writeFile(orphan, '')
  const old = new Date(Date.now() - 30 * 86_400_000)
  await utimes(orphan, old, old)

  const ended = sluice(['up', '--only', 'jobs', '--config', CONFIG, ...SETS], { env, started: (one) => (child = one) })
  const jobs = async (): Promise<ReadonlyMap<string, Job>> => {
    const status = await sluiceJson<{ readonly jobs: readonly Job[] }>(['status', '--config', CONFIG, ...SETS], { env })
    return new Map(status.jobs.map((each) => [each.job, each]))
  }
  const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (const startMs = performance.now(); performance.now() - startMs < 180_000; await sleep(250)) {
      if (await holds()) return
    }
    assert.fail(`never: ${what}`)
  }

  await until('the bronze table is one file a day, and what it was is gone', async () => {
    const names = (await readdir(table, { recursive: true })).filter((name) => name.endsWith('.parquet'))
    const data = names.filter((name) => !name.startsWith('_delta_log'))
    const active = await activeFiles(table)
    return active.length < before.files && data.length === active.length && !data.includes('part-orphan.parquet')
  })
  assert.deepEqual(await rows(), before.rows)
  const seen = await jobs()
  for (const name of ['optimize', 'vacuum']) {
    const job = seen.get(name)!
    assert.equal(job.state, 'running', name)
    assert.ok(job.last !== null && job.last.outcome !== 'failed' && job.next_at !== null, JSON.stringify(job))
  }

  await sluiceJson(['pause', 'job.vacuum', '--reason', 'a look at old versions', '--config', CONFIG], { env })
  // What runs as it is paused ends first; then the other job goes on without it.
  let rested = (await jobs()).get('vacuum')!
  await until('vacuum rests while optimize goes on', async () => {
    const before = await jobs()
    rested = before.get('vacuum')!
    await sleep(4_000)
    const [optimize, vacuum] = [(await jobs()).get('optimize')!, (await jobs()).get('vacuum')!]
    const goesOn = optimize.last!.started_at !== before.get('optimize')!.last!.started_at
    return goesOn && vacuum.last!.started_at === rested.last!.started_at
  })
  assert.equal(rested.state, 'paused')
  await sluiceJson(['resume', 'job.vacuum', '--config', CONFIG], { env })
  await until('vacuum goes on', async () => (await jobs()).get('vacuum')!.last!.started_at !== rested.last!.started_at)

  child!.kill('SIGTERM')
  const { code, stderr } = await ended
  assert.equal(code, 0, stderr)
  const proof = await sluiceJson<{ ok: boolean }>(['verify', '--config', CONFIG], { env })
  assert.equal(proof.ok, true)
  t.diagnostic(`${before.files} files became ${(await activeFiles(table)).length}`)
})
