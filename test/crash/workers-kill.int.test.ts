import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { order, orders, produce, registerOrders } from '../support/orders.ts'
import { runSeed, seededRandom } from '../support/random.ts'
import { rawRows } from '../support/raw-delta.ts'
import { scratchWorld } from '../support/scratch-world.ts'
import { REPOSITORY, sluice, sluiceJson } from '../support/sluice.ts'

/** The law under two workers: the program is killed with SIGKILL in its flushes; then nothing is missing or doubled (I4). */

const KILL = join(REPOSITORY, 'test/support/kill-at.ts')
const STEPS = ['fetch.done', 'letters.written', 'data_file.written', 'commit.done'] as const
const PARTITIONS = 4
const EACH = 1_500
const seed = runSeed()

test(`I4, I5: killed again and again in its flushes with two workers, ingest loses and doubles nothing (SLUICE_SEED=${seed})`, async (t) => {
  const random = seededRandom(seed)
  const world = await scratchWorld(t)
  const schema = await registerOrders(world)
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const records = orders(schema, EACH, partition * EACH)
    for (let i = 0; i < EACH; i += 50) records[i] = order(schema, { id: 'bad', n: -1 })
    for (let from = 0; from < EACH; from += 250)
      await produce(world, records.slice(from, from + 250), { partitions: PARTITIONS, partition })
  }
  const config = join(world.folder, 'sluice.yaml')
  await writeFile(
    config,
    [
      'lake: {uri: lake}',
      'broker: {kind: embedded, dir: log}',
      'registry: {kind: embedded, dir: registry}',
      'topics: {orders: {partitions: 4}}',
      'tables: {bronze: {orders: {topic: orders, key: [id]}}}',
      'ingest: {workers: 2, flush_mb: 0.05, fetch_mb: 0.01}',
    ].join('\n'),
  )
  let killed = 0
  for (let round = 0; round < 12; round += 1) {
    const step = STEPS[round % STEPS.length]!
    const nth = 1 + Math.floor(random() * 3)
    const ended = await sluice(['ingest', '--config', config], {
      env: { SLUICE_KILL: `${step}:${nth}` },
      preload: [KILL],
    })
    if (ended.signal === 'SIGKILL') killed += 1
    else assert.equal(ended.code, 0, ended.stderr)
  }
  assert.ok(killed >= 2, `killed ${killed} times`)
  const ended = await sluice(['ingest', '--config', config])
  assert.equal(ended.code, 0, ended.stderr)
  const proof = await sluiceJson<{ ok: boolean; tables: { partitions: { quarantined: string }[] }[] }>(
    ['verify', '--against-log', '--config', config],
    {},
  )
  assert.equal(proof.ok, true)
  const bad = (EACH / 50) * PARTITIONS
  const quarantined = proof.tables[0]!.partitions.reduce((sum, each) => sum + Number(each.quarantined), 0)
  assert.equal(quarantined, bad)
  const good = EACH * PARTITIONS - bad
  const counts = 'select count(*)::int as n, count(distinct (_partition, _offset))::int as places from rows'
  assert.deepEqual(await rawRows(join(world.folder, 'lake/bronze/orders'), counts), [{ n: good, places: good }])
})
