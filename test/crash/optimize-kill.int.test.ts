import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runSeed } from '../support/random.ts'
import { activeFiles, rawRows } from '../support/raw-delta.ts'
import { makeLines, writeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'

/**
 * `optimize` is killed with SIGKILL right after a named step became durable. The rows are the same at once; the same
 * call again does what was left, ingest goes on from where it stood, and an increment sees nothing new.
 */
const KILL = join(REPOSITORY, 'test/support/kill-at.ts')
const CONFIG = join(REPOSITORY, 'examples/online-retail/config.yaml')
const TABLE = 'bronze.order_lines'
const CASES = [
  { zorder: [], step: 'data_file.written', committed: false },
  { zorder: [], step: 'optimize.staged', committed: false },
  { zorder: ['--zorder', 'StockCode,_offset'], step: 'optimize.staged', committed: false },
  { zorder: [], step: 'commit.done', committed: true },
] as const

const seed = runSeed()

describe(`kill -9 in optimize (SLUICE_SEED=${seed})`, () => {
  const { files } = makeLines(seed, CASES.length + 2, 80)
  const days = [...files]
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let env: Record<string, string>
  const bronze = (): string => join(folder.path, 'lake/bronze/order_lines')
  const rows = (): Promise<unknown[]> => rawRows(bronze(), 'select * exclude (_ingest_ts) from rows order by all')
  const deliver = async (day: number): Promise<void> => {
    await writeLines(join(folder.path, 'data'), new Map(days.slice(0, day)))
    await sluiceJson(['run', '--config', CONFIG], { env })
  }
  before(async () => {
    folder = await temporaryFolder('optimize-kill')
    env = { LAKE: join(folder.path, 'lake'), RETAIL_DATA: join(folder.path, 'data') }
    for (const day of [1, 2]) await deliver(day)
  })
  after(() => folder.remove())

  for (const [at, { zorder, step, committed }] of CASES.entries()) {
    it(`I4, I11, I17: killed after ${step}${zorder.length > 0 ? ' of a z-order' : ''}, it leaves phantoms at most`, async () => {
      const before = await rows()
      const held = (await activeFiles(bronze())).length
      assert.ok(held > 1, `${held} files`)
      const args = ['optimize', TABLE, ...zorder, '--config', CONFIG]
      const killed = await sluice(args, { env: { ...env, SLUICE_KILL: `${step}@bronze:1` }, preload: [KILL] })
      assert.equal(killed.signal, 'SIGKILL', killed.stderr)
      assert.deepEqual(await rows(), before)
      assert.equal((await activeFiles(bronze())).length < held, committed)
      await holds()
      const again = await sluiceJson<{ tables: { outcome: string }[] }>(args, { env })
      assert.equal(again.tables[0]!.outcome, committed ? 'unchanged' : 'optimized')
      assert.deepEqual(await rows(), before)
      const run = await sluiceJson<{ models: { outcome: string }[] }>(['run', '--config', CONFIG], { env })
      assert.deepEqual(new Set(run.models.map(({ outcome }) => outcome)), new Set(['unchanged']))
      await deliver(at + 3)
      assert.ok((await rows()).length > before.length)
      await holds()
    })
  }

  async function holds(): Promise<void> {
    const proof = await sluiceJson<{ ok: boolean }>(['verify', '--against-log', '--config', CONFIG], { env })
    assert.equal(proof.ok, true)
  }
})
