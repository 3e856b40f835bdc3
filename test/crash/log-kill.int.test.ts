import assert from 'node:assert/strict'
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { checkpointEveryCommit } from '../support/checkpoint-every-commit.ts'
import { runSeed, seededRandom } from '../support/random.ts'
import { rawRows } from '../support/raw-delta.ts'
import { makeLines, writeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'

/**
 * The writer of a checkpoint cleans its table's log beside its commit. It is killed with SIGKILL as the checkpoint
 * became durable, as the log was cleaned, and at instants in between, with the log of forty days ago. At each the table
 * opens with all its rows, and the next commit's clean-up goes on.
 */
const KILL = join(REPOSITORY, 'test/support/kill-at.ts')
const CONFIG = join(REPOSITORY, 'examples/online-retail/config.yaml')
const DAY_MS = 86_400_000
/** Several batches of one clean-up. */
const LITTER = 1_800

/** LOG_KILL_INSTANTS sets how many instants in between. */
const INSTANTS = Number(process.env['LOG_KILL_INSTANTS'] ?? 1)

const seed = runSeed()
const random = seededRandom(seed)
const CASES = [
  'checkpoint.written@bronze:1',
  'log.cleaned@bronze:1',
  ...Array.from({ length: INSTANTS }, () => `checkpoint.written@bronze:1+${Math.ceil(random() * 30)}`),
]

describe(`kill -9 in the clean-up of a log (SLUICE_SEED=${seed})`, () => {
  const { files } = makeLines(seed, 2 + 3 * CASES.length, 60)
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let env: Record<string, string>
  let delivered = 0
  const table = (): string => join(folder.path, 'lake/bronze/order_lines')
  const log = (): string => join(table(), '_delta_log')
  before(async () => {
    folder = await temporaryFolder('log-kill')
    env = { LAKE: join(folder.path, 'lake'), RETAIL_DATA: join(folder.path, 'data') }
    await deliver()
    await land()
    await checkpointEveryCommit(table())
  })
  after(() => folder.remove())

  for (const step of CASES) {
    it(`I1, I4, I17: killed after ${step}, the table opens with all its rows and the next commit cleans on`, async () => {
      await deliver()
      await land()
      const expired = await age()
      await deliver()
      await sluiceJson(['connect', '--config', CONFIG], { env })
      const killed = await sluice(['ingest', '--config', CONFIG], {
        env: { ...env, SLUICE_KILL: step },
        preload: [KILL],
      })
      if (!step.includes('+')) assert.equal(killed.signal, 'SIGKILL', killed.stderr)
      else assert.ok(killed.signal === 'SIGKILL' || killed.code === 0, killed.stderr)
      await holds()
      await deliver()
      await land()
      await holds()
      // What stays begins with the newest version that had expired.
      assert.deepEqual(
        (await versions()).filter((version) => version < expired),
        [],
      )
      assert.equal((await versions())[0], expired)
    })
  }

  async function deliver(): Promise<void> {
    delivered += 1
    await writeLines(join(folder.path, 'data'), new Map([...files].slice(0, delivered)))
  }

  async function land(): Promise<void> {
    await sluiceJson(['connect', '--config', CONFIG], { env })
    await sluiceJson(['ingest', '--config', CONFIG], { env })
  }

  /** All of the log is of forty days ago, by its own words and by its files, and there is much of it. */
  async function age(): Promise<number> {
    const newest = Math.max(...(await versions()))
    for (let i = 0; i < LITTER; i += 1) {
      await writeFile(join(log(), `${'0'.repeat(20)}.${String(i).padStart(20, '0')}.compacted.json`), '{}')
    }
    const old = new Date(Date.now() - 40 * DAY_MS)
    for (const name of await readdir(log())) {
      const path = join(log(), name)
      if (/^\d{20}\.json$/.test(name)) {
        const text = await readFile(path, 'utf8')
        await writeFile(path, text.replace(/"timestamp":\d+/, `"timestamp":${old.getTime()}`))
      }
      await utimes(path, old, old)
    }
    return newest
  }

  /** Of all that is in the log, ascending. */
  async function versions(): Promise<number[]> {
    const names = (await readdir(log())).filter((name) => /^\d{20}\./.test(name))
    return names.map((name) => Number(name.slice(0, 20))).sort((a, b) => a - b)
  }

  async function holds(): Promise<void> {
    const proof = await sluiceJson<{ ok: boolean }>(['verify', '--against-log', '--config', CONFIG], { env })
    assert.equal(proof.ok, true)
    const [found] = await rawRows(
      table(),
      'select count(*)::int as n, count(distinct (_partition, _offset))::int as places from rows',
    )
    const truth = [...files.values()].slice(0, delivered).flat()
    const good = truth.filter(({ customerId }) => customerId !== '').length
    assert.deepEqual(found, { n: good, places: good })
  }
})
