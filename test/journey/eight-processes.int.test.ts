import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { makeLines, writeLines, type MadeLines } from '../support/retail-lines.ts'
import {
  proveBronze,
  RETAIL_CONFIG,
  retailArgs,
  retailWorld,
  sameModels,
  type PassReport,
  type RetailWorld,
} from '../support/retail-world.ts'
import { runSeed } from '../support/random.ts'
import { sluice, sluiceJson, temporaryFolder } from '../support/sluice.ts'

const VERBS = ['run', 'ingest', 'run', 'ingest', 'run', 'ingest', 'run', 'ingest']
const seed = runSeed()

describe(`eight processes racing on one lake (SLUICE_SEED=${seed})`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let made: MadeLines
  let straight: RetailWorld
  before(async () => {
    folder = await temporaryFolder('eight')
    made = makeLines(seed, 6, 200)
    straight = await retailWorld(join(folder.path, 'straight'), made.files)
    await sluiceJson(['run', '--config', RETAIL_CONFIG], { env: straight.env })
  })
  after(() => folder.remove())

  it('I1, I3, I9, I11, I17: every process ends well, nothing is missing or doubled, and gold is that of one run', async () => {
    const days = [...made.files]
    const world = await retailWorld(join(folder.path, 'race'), new Map(days.slice(0, 3)))
    // The other files come while the race is on.
    const late = sleep(1_000).then(() => writeLines(world.data, new Map(days.slice(3))))
    const ended = await Promise.all(
      VERBS.map((verb) => sluice([...retailArgs(verb, 0.01), '--json'], { env: world.env })),
    )
    await late
    for (const each of ended) assert.equal(each.code, 0, each.stdout + each.stderr)
    const last = await sluiceJson<PassReport>(retailArgs('run', 0.01), { env: world.env })
    const reports = [...ended.map((each) => JSON.parse(each.stdout) as PassReport), last].flatMap((each) => each.tables)
    assert.deepEqual(
      [reports.reduce((n, table) => n + table.landed, 0), reports.reduce((n, table) => n + table.quarantined, 0)],
      [made.good, made.bad],
    )
    await proveBronze(world, made)
    await sameModels(world, straight)
    const again = await sluiceJson<PassReport>(retailArgs('run', 0.01), { env: world.env })
    assert.deepEqual(
      again.tables.map((table) => table.read),
      [0],
    )
  })
})
