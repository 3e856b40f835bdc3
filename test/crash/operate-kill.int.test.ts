import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runSeed } from '../support/random.ts'
import { rawRows } from '../support/raw-delta.ts'
import { makeLines, writeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'

/**
 * The operator's verbs are killed with SIGKILL right after a named step became durable. Conservation holds at once,
 * and the same call again, then a run, leave what was there before.
 */
const KILL = join(REPOSITORY, 'test/support/kill-at.ts')
const CONFIG = join(REPOSITORY, 'examples/online-retail/config.yaml')

const REPLAY = ['replay', '--topic', 'order_lines', '--from-offset', '10', '--to-offset', '90', '--yes']
const BACK = ['checkpoint', 'reset', '--topic', 'order_lines', '--partition', '1', '--to-offset', '7', '--yes']
const FORWARD = ['checkpoint', 'reset', '--topic', 'order_lines', '--latest', '--yes']

const CASES = [
  { args: REPLAY, step: 'fetch.done', nth: 2 },
  { args: REPLAY, step: 'letters.written', nth: 2 },
  { args: REPLAY, step: 'data_file.written', nth: 1 },
  { args: REPLAY, step: 'commit.done@bronze', nth: 1 },
  { args: BACK, step: 'commit.done@bronze', nth: 1 },
] as const

const seed = runSeed()

describe(`kill -9 in replay and checkpoint reset (SLUICE_SEED=${seed})`, () => {
  const { files } = makeLines(seed, 4, 120)
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let env: Record<string, string>
  let whole: unknown
  before(async () => {
    folder = await temporaryFolder('operate-kill')
    const data = join(folder.path, 'data')
    env = { LAKE: join(folder.path, 'lake'), RETAIL_DATA: data }
    await writeLines(data, new Map([...files].slice(0, 3)))
    await sluiceJson(['connect', '--config', CONFIG], { env })
    await sluiceJson(['ingest', '--config', CONFIG], { env })
    whole = await offsets()
  })
  after(() => folder.remove())

  for (const { args, step, nth } of CASES) {
    it(`I16, I17: ${args[0]} killed after ${step} loses and doubles nothing`, async () => {
      const killed = await sluice([...args, '--config', CONFIG], {
        env: { ...env, SLUICE_KILL: `${step}:${nth}` },
        preload: [KILL],
      })
      assert.equal(killed.signal, 'SIGKILL', killed.stderr)
      await holds()
      const again = await sluice([...args, '--config', CONFIG], { env })
      assert.equal(again.code, 0, again.stderr)
      await holds()
      await sluiceJson(['ingest', '--config', CONFIG], { env })
      assert.deepEqual(await offsets(), whole)
      await holds()
    })
  }

  it('I17: a reset forwards killed between its skip and its commit is made good by the same call', async () => {
    await writeLines(join(folder.path, 'data'), new Map([...files].slice(3)))
    await sluiceJson(['connect', '--config', CONFIG], { env })
    const killed = await sluice([...FORWARD, '--config', CONFIG], {
      env: { ...env, SLUICE_KILL: 'skips.written:1' },
      preload: [KILL],
    })
    assert.equal(killed.signal, 'SIGKILL', killed.stderr)
    await holds()
    const again = await sluice([...FORWARD, '--config', CONFIG], { env })
    assert.equal(again.code, 0, again.stderr)
    await holds()
    assert.deepEqual(await offsets(), whole)
  })

  async function holds(): Promise<void> {
    const proof = await sluiceJson<{ ok: boolean }>(['verify', '--against-log', '--config', CONFIG], { env })
    assert.equal(proof.ok, true)
  }

  function offsets(): Promise<unknown[]> {
    const sql = 'select _partition, _epoch, _offset, "StockCode", "Quantity" from rows order by all'
    return rawRows(join(folder.path, 'lake/bronze/order_lines'), sql)
  }
})
