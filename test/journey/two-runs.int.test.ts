import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openEmbeddedLog } from '../../src/adapters/embedded-log/embedded-log.ts'
import { makeLines, type MadeLines } from '../support/retail-lines.ts'
import {
  proveBronze,
  RETAIL_CONFIG,
  retailArgs,
  retailWorld,
  sameModels,
  unread,
  type PassReport,
  type RetailWorld,
} from '../support/retail-world.ts'
import { runSeed } from '../support/random.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder, type Ended } from '../support/sluice.ts'

const KILL = join(REPOSITORY, 'test/support/kill-at.ts')
const seed = runSeed()

describe(`two runs on one lake (SLUICE_SEED=${seed})`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let made: MadeLines
  let straight: RetailWorld
  before(async () => {
    folder = await temporaryFolder('two-runs')
    made = makeLines(seed, 5, 300)
    straight = await worldOf('straight')
    await sluiceJson(['run', '--config', RETAIL_CONFIG], { env: straight.env })
  })
  after(() => folder.remove())

  const worldOf = (name: string): Promise<RetailWorld> => retailWorld(join(folder.path, name), made.files)
  const reportOf = (ended: Ended): PassReport => JSON.parse(ended.stdout) as PassReport
  const sum = (ended: readonly Ended[], what: 'landed' | 'quarantined'): number =>
    ended.reduce((total, each) => total + reportOf(each).tables.reduce((n, table) => n + table[what], 0), 0)
  const start = (
    world: RetailWorld,
    verb: string,
    kill = '',
    started?: (child: ChildProcess) => void,
  ): Promise<Ended> =>
    sluice([...retailArgs(verb), '--json'], {
      env: { ...world.env, SLUICE_KILL: kill },
      preload: kill === '' ? [] : [KILL],
      ...(started === undefined ? {} : { started }),
    })
  /** Commits of the bronze table so far. */
  const commits = async (world: RetailWorld): Promise<number> =>
    (await readdir(join(world.lake, 'bronze/order_lines/_delta_log')).catch(() => [])).filter((name) =>
      name.endsWith('.json'),
    ).length

  it('I3: started at once, both exit 0, together they read all, and nothing is there twice', async () => {
    const world = await worldOf('both')
    const ended = await Promise.all([start(world, 'run'), start(world, 'run')])
    for (const each of ended) assert.equal(each.code, 0, each.stdout + each.stderr)
    assert.equal(await unread(world), 0)
    assert.deepEqual([sum(ended, 'landed'), sum(ended, 'quarantined')], [made.good, made.bad])
    await proveBronze(world, made)
    await sameModels(world, straight)
  })

  it('neither exits 0 while a partition is unread', async () => {
    const world = await worldOf('unread')
    await sluiceJson(['connect', '--config', RETAIL_CONFIG], { env: world.env })
    const left = await Promise.all(
      [0, 1].map(async () => {
        const ended = await start(world, 'ingest')
        assert.equal(ended.code, 0, ended.stdout + ended.stderr)
        return unread(world)
      }),
    )
    assert.deepEqual(left, [0, 0])
    await proveBronze(world, made)
  })

  for (const kill of ['fetch.done:3', 'letters.written:2', 'commit.done@bronze:2']) {
    it(`I4: one killed -9 holding its leases (${kill}), the other finishes`, async () => {
      const world = await worldOf(`killed-${kill.replaceAll(/\W/g, '-')}`)
      await sluiceJson(['connect', '--config', RETAIL_CONFIG], { env: world.env })
      let over = false
      const first = start(world, 'run', kill).finally(() => {
        over = true
      })
      // The other joins while the first is at work, and shares or waits.
      while (!over && (await commits(world)) === 0) await sleep(5)
      const [killed, other] = await Promise.all([first, start(world, 'run')])
      assert.equal(killed.signal, 'SIGKILL', killed.stdout + killed.stderr)
      assert.equal(other.code, 0, other.stdout + other.stderr)
      assert.equal(await unread(world), 0)
      await proveBronze(world, made)
      await sameModels(world, straight)
    })
  }

  it('SIGTERM in the middle of a run: it ends soon with 143, what it committed stands, a later run completes', async () => {
    const world = await worldOf('ended')
    await sluiceJson(['connect', '--config', RETAIL_CONFIG], { env: world.env })
    const ended = await sluice([...retailArgs('run', 0.002), '--json'], {
      env: { ...world.env, SLUICE_KILL: 'commit.done@bronze:2', SLUICE_KILL_SIGNAL: 'SIGTERM' },
      preload: [KILL],
    })
    assert.deepEqual([ended.code, ended.signal], [143, null], ended.stdout + ended.stderr)
    assert.ok((await commits(world)) >= 2)
    assert.ok((await unread(world)) > 0, 'the run was over before it was asked to end')
    const next = await start(world, 'run')
    assert.equal(next.code, 0)
    await proveBronze(world, made)
    await sameModels(world, straight)
  })

  it('SIGTERM while it waits for leases that another holds: it ends at once', async () => {
    const world = await worldOf('waiting')
    await sluiceJson(['connect', '--config', RETAIL_CONFIG], { env: world.env })
    const log = await openEmbeddedLog({ dir: `${world.lake}.state/log`, clock: systemClock })
    const membership = await log.join(
      'ingest/order_lines',
      [0, 1, 2, 3].map((partition) => `order_lines/${partition}`),
    )
    assert.equal((await membership.poll()).size, 4)
    let askedMs = 0
    const waiter = await start(world, 'ingest', '', (child) => {
      // Once it has begun, and a moment later it waits.
      child.stderr!.once('data', () =>
        setTimeout(() => {
          askedMs = Date.now()
          child.kill('SIGTERM')
        }, 1_500),
      )
    })
    assert.deepEqual([waiter.code, waiter.signal], [143, null], waiter.stdout + waiter.stderr)
    // The leases would be free after 30 s.
    assert.ok(Date.now() - askedMs < 15_000)
    await membership.leave()
    await log.close()
    assert.equal((await start(world, 'ingest')).code, 0)
    await proveBronze(world, made)
  })
})
