import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import type { OutgoingRecord } from '../../src/domain/record-batch.ts'
import { runIngest } from '../../src/ingest/run-ingest.ts'
import { redriveTable } from '../../src/operate/redrive.ts'
import { verifyTable } from '../../src/operate/verify.ts'
import type { Assignment } from '../../src/ports/assignment.ts'
import type { Clock } from '../../src/ports/clock.ts'
import { diskFull, faultyStore } from '../support/faulty-store.ts'
import { laneLines, message, order, ORDER_FIELDS, produce, registerOrders } from '../support/orders.ts'
import { runSeed, seededRandom } from '../support/random.ts'
import { rawRows } from '../support/raw-delta.ts'
import { temporaryFolder } from '../support/sluice.ts'
import { openTestWorld, type TestWorld } from '../support/world.ts'

/**
 * A small world in which every write may fail, before or after it was done, while two readers that do not honour each
 * other's leases and two operators work on one table, and the contract is loosened and gains columns meanwhile.
 */
const seed = runSeed()
const ROUNDS = 12
const PARTITIONS = 3
const FAULTY = 0.08

describe(`faults at random (SLUICE_SEED=${seed})`, () => {
  let root: Awaited<ReturnType<typeof temporaryFolder>>
  before(async () => {
    root = await temporaryFolder('chaos')
  })
  after(() => root.remove())

  for (const [index, mode] of (['rescue', 'evolve', 'rescue', 'evolve'] as const).entries()) {
    // With workers a flush is read while the one before is written.
    const workers = index < 2 ? 0 : 2
    it(`I3, I4, I5, I7, I15, I17: nothing is missing, nothing is there twice (${index + 1}, ${mode}, ${workers} workers)`, async () => {
      const random = seededRandom(seed + index)
      const folder = join(root.path, String(index))
      const hurried: Clock = { ...systemClock, random, sleep: (ms) => systemClock.sleep(Math.min(ms, 2)) }
      let faults = true
      const open = (): Promise<TestWorld> =>
        openTestWorld({
          folder,
          clock: hurried,
          tables: [{ onUnknownField: mode, subject: 'ours-value' }],
          ingest: { fetchBytes: 1_500, flushBytes: 6_000, workers },
          lake: (real) =>
            faultyStore(real, () => {
              if (!faults || random() >= FAULTY) return null
              const error = random() < 0.3 ? diskFull() : new SluiceError('STORE_UNAVAILABLE', 'a fault of the test')
              return { error, done: random() < 0.5 }
            }),
        })
      const worlds = await Promise.all([open(), open()])
      const [world] = worlds as [TestWorld, TestWorld]
      const table = world.settings.tables.get('orders')!
      const all: Assignment['join'] = async (group, resources) => ({
        ...(await world.assignment.join(group, resources)),
        poll: () => Promise.resolve(new Set(resources)),
      })
      const expected = { numbers: 0, rows: 0, junk: 0, tombstones: 0 }
      let column = 0
      let minimum = 0
      await registerOrders(world, fieldsOf(minimum), 'ours-value')
      for (let round = 0; round < ROUNDS; round += 1) {
        for (let partition = 0; partition < PARTITIONS; partition += 1)
          await produce(world, await makeRecords(), { partition, partitions: PARTITIONS })
        if (random() < 0.3) {
          minimum -= 10
          await registerOrders(world, fieldsOf(minimum), 'ours-value')
        }
        const pass = (each: TestWorld) => runIngest({ ...each, assignment: { ...each.assignment, join: all } }, [table])
        const jobs: Promise<unknown>[] = worlds.map(pass)
        if (random() < 0.5)
          jobs.push(...worlds.map((each) => redriveTable({ world: each, table, filter: {}, dryRun: false })))
        for (const ended of await Promise.allSettled(jobs)) {
          if (ended.status === 'rejected') assertTransient(ended.reason)
          else if (Array.isArray(ended.value)) {
            const reports = ended.value as Awaited<ReturnType<typeof runIngest>>
            for (const report of reports) report.errors.forEach(assertTransient)
          }
        }
        const proof = await verifyTable(world, table, { againstLog: true })
        assert.equal(proof.ok, true, `round ${round}`)
      }
      faults = false
      const [last] = await runIngest(world, [table])
      assert.deepEqual(last?.errors, [])
      await registerOrders(world, fieldsOf(-1_000_000), 'ours-value')
      const { failed } = await redriveTable({ world, table, filter: {}, dryRun: false })
      assert.equal(failed, expected.junk)
      assert.equal((await verifyTable(world, table, { againstLog: true })).ok, true)
      assert.deepEqual(
        await rawRows(
          join(folder, 'lake/bronze/orders'),
          `select count(*)::int as n, count(distinct (_partition, _offset))::int as places, sum(n)::int as numbers, count(*) filter (_op = 'd')::int as tombstones from rows`,
        ),
        [{ n: expected.rows, places: expected.rows, numbers: expected.numbers, tombstones: expected.tombstones }],
      )
      const letters = new Set((await laneLines(join(folder, 'lake'))).map((letter) => letter.row_id))
      assert.ok(letters.size >= expected.junk)
      for (const each of worlds) await each.close()

      async function makeRecords(): Promise<OutgoingRecord[]> {
        if (random() < 0.3) column += 1
        const extra = { name: `c${column % 4}`, type: ['null', random() < 0.5 ? 'long' : 'string'], default: null }
        const schema = await registerOrders(world, [...fieldsOf(0), extra], `writer-${extra.name}-${extra.type[1]}`)
        return Array.from({ length: Math.floor(random() * 40) }, () => {
          const kind = random()
          if (kind < 0.05) {
            expected.junk += 1
            return message(Buffer.from('junk'))
          }
          expected.rows += 1
          if (kind < 0.1) {
            expected.tombstones += 1
            return message(null, { key: 'gone' })
          }
          const n = Math.floor(random() * 60) - 20
          expected.numbers += n
          return order(schema, { id: 'k', n, [extra.name]: extra.type[1] === 'long' ? 5n : 'five' })
        })
      }
    })
  }
})

function fieldsOf(minimum: number): object[] {
  return [ORDER_FIELDS[0]!, { name: 'n', type: 'int', constraints: { minimum } }]
}

function assertTransient(error: unknown): void {
  if (error instanceof SluiceError && error.row.exit === 5) return
  if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return
  throw error
}
