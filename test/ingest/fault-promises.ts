import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { SluiceError } from '../../src/domain/errors.ts'
import type { Settings } from '../../src/domain/settings.ts'
import { runIngest, type TableReport } from '../../src/ingest/run-ingest.ts'
import { ingestExit } from '../support/ingest-exit.ts'
import { verifyTable } from '../../src/operate/verify.ts'
import type { Assignment } from '../../src/ports/assignment.ts'
import type { SchemaRegistry } from '../../src/ports/schema-registry.ts'
import { diskFull, faultyStore, type WriteFault } from '../support/faulty-store.ts'
import { laneLines, order, orders, produce, registerOrders } from '../support/orders.ts'
import { rawRows } from '../support/raw-delta.ts'
import { temporaryFolder } from '../support/sluice.ts'
import { openTestWorld, type TestWorld, type TestWorldOptions } from '../support/world.ts'

/** What ingest promises beside faults and rivals, whatever the number of threads. */
export function faultPromises(name: string, ingest: Partial<Settings['ingest']>): void {
  describe(name, () => {
    let root: Awaited<ReturnType<typeof temporaryFolder>>
    let folder: string
    let count = 0
    const opened: TestWorld[] = []
    before(async () => {
      root = await temporaryFolder('ingest-faults')
    })
    after(() => root.remove())
    beforeEach(() => {
      count += 1
      folder = join(root.path, String(count))
    })
    afterEach(async () => {
      for (const world of opened.splice(0)) await world.close()
    })

    async function open(options: Partial<TestWorldOptions> = {}): Promise<TestWorld> {
      const world = await openTestWorld({ folder, ...options, ingest: { ...ingest, ...options.ingest } })
      opened.push(world)
      return world
    }
    const passOne = async (world: TestWorld): Promise<TableReport> =>
      (await runIngest(world, [...world.settings.tables.values()]))[0]!
    const counts = (): Promise<Record<string, unknown>[]> =>
      rawRows(
        join(folder, 'lake/bronze/orders'),
        'select count(*)::int as n, count(distinct (_partition, _offset))::int as places, sum(n)::int as total from rows',
      )
    async function holds(world: TestWorld): Promise<void> {
      const proof = await verifyTable(world, world.settings.tables.get('orders')!, { againstLog: true })
      assert.equal(proof.ok, true)
    }
    const sumTo = (n: number): number => (n * (n - 1)) / 2

    /** Faults on writes below these paths, once each time `left` allows. */
    function failing(match: (path: string) => boolean, fault: { error: () => Error; done: boolean }) {
      const state = { left: 0, hits: 0 }
      const store: WriteFault = (_call, path) => {
        if (state.left === 0 || !match(path)) return null
        state.left -= 1
        state.hits += 1
        return { error: fault.error(), done: fault.done }
      }
      return { state, store }
    }
    const isEntry = (path: string): boolean => /_delta_log\/\d{20}\.json$/.test(path)

    it('I7: a commit whose reply was lost is recognised and not made twice', async () => {
      const lost = failing(isEntry, {
        error: () => new SluiceError('STORE_UNAVAILABLE', 'the reply was lost'),
        done: true,
      })
      const world = await open({ lake: (real) => faultyStore(real, lost.store) })
      const schema = await registerOrders(world)
      for (let round = 0; round < 3; round += 1) {
        await produce(world, orders(schema, 5, round * 5))
        lost.state.left = 1
        const report = await passOne(world)
        assert.deepEqual([report.landed, report.version, report.errors], [5, round, []])
      }
      assert.equal(lost.state.hits, 3)
      assert.deepEqual(await counts(), [{ n: 15, places: 15, total: sumTo(15) }])
      await holds(world)
    })

    for (const [name, match] of [
      ['dead letters', (path: string) => path.startsWith('_errors/')],
      ['data file', (path: string) => path.endsWith('.parquet')],
      ['commit', isEntry],
      ['table marker', (path: string) => path.startsWith('_tables/')],
    ] as const) {
      for (const done of [false, true]) {
        it(`I4: a disk full at the ${name}${done ? ', though it was written' : ''}: exit 5 at most, nothing lost, the next pass completes`, async () => {
          const full = failing(match, { error: diskFull, done })
          const world = await open({ lake: (real) => faultyStore(real, full.store) })
          const schema = await registerOrders(world)
          await produce(world, [...orders(schema, 4), order(schema, { id: 'bad', n: -1 })])
          full.state.left = 1
          const report = await passOne(world)
          assert.equal(full.state.hits, 1)
          const harmless = name === 'table marker' || (name === 'commit' && done)
          if (!harmless) {
            assert.deepEqual(
              report.errors.map((error) => error.code),
              ['DISK_FULL'],
            )
            assert.equal(ingestExit([report]), 5)
          }
          const next = await passOne(world)
          assert.deepEqual(next.errors, [])
          assert.deepEqual(await counts(), [{ n: 4, places: 4, total: sumTo(4) }])
          assert.equal(new Set((await laneLines(join(folder, 'lake'))).map((letter) => letter.row_id)).size, 1)
          await holds(world)
        })
      }
    }

    it('what a pass committed before it failed stands in its report', async () => {
      const full = failing((path) => path.endsWith('.parquet'), { error: diskFull, done: false })
      const world = await open({
        lake: (real) => faultyStore(real, full.store),
        ingest: { fetchBytes: 1, flushBytes: 1 },
      })
      const schema = await registerOrders(world)
      for (let i = 0; i < 3; i += 1) await produce(world, orders(schema, 2, i * 2))
      const emit = world.events.emit.bind(world.events)
      world.events.emit = (event) => {
        emit(event)
        if (event.type === 'commit.done' && event.version === 1) full.state.left = 1
      }
      const report = await passOne(world)
      assert.deepEqual(
        [report.landed, report.read, report.version, report.errors.map((error) => error.code)],
        [4, 4, 1, ['DISK_FULL']],
      )
    })

    it('a registry or a log that does not answer is worth a retry, and nothing moves', async () => {
      const world = await open()
      const schema = await registerOrders(world)
      await produce(world, orders(schema, 2))
      const away = (code: 'REGISTRY_UNAVAILABLE' | 'LOG_UNAVAILABLE') => () =>
        Promise.reject(new SluiceError(code, 'away'))
      const registry: SchemaRegistry = { ...world.registry, byId: away('REGISTRY_UNAVAILABLE') }
      const noRegistry = await passOne({ ...world, registry })
      const noLog = await passOne({ ...world, log: { ...world.log, fetch: away('LOG_UNAVAILABLE') } })
      for (const report of [noRegistry, noLog]) assert.deepEqual([ingestExit([report]), report.committed], [5, false])
      assert.equal((await passOne(world)).landed, 2)
    })

    it('I3: of two writers at one position exactly one commits; the other drops its flush and reads again', async () => {
      const limits = { fetchBytes: 500, flushBytes: 2_000 }
      const first = await open({ ingest: limits })
      const second = await open({ ingest: limits })
      const everyone: Assignment = {
        ...first.assignment,
        join: async (group, resources) => ({
          ...(await first.assignment.join(group, resources)),
          poll: () => Promise.resolve(new Set(resources)),
        }),
      }
      const schema = await registerOrders(first)
      for (let i = 0; i < 24; i += 1)
        await produce(first, [...orders(schema, 20, i * 20), order(schema, { id: 'bad', n: -1 })], {
          partitions: 3,
          partition: i % 3,
        })
      const reports = await Promise.all([first, second].map((world) => passOne({ ...world, assignment: everyone })))
      assert.deepEqual(
        reports.flatMap((report) => report.errors),
        [],
      )
      const conflicts = [first, second].flatMap((world) =>
        world.events.seen.filter((event) => event.type === 'commit.conflicted'),
      )
      assert.ok(conflicts.length > 0, 'the two never met')
      assert.equal(
        reports.reduce((sum, report) => sum + report.landed, 0),
        480,
      )
      assert.equal(
        reports.reduce((sum, report) => sum + report.quarantined, 0),
        24,
      )
      assert.deepEqual(await counts(), [{ n: 480, places: 480, total: sumTo(480) }])
      await holds(first)
    })

    it('I8: what comes before an unknown schema id lands even where the flush that found it was lost to a rival', async () => {
      const world = await open()
      const rival = await open()
      const schema = await registerOrders(world)
      await produce(world, orders(schema, 3), { partitions: 2, partition: 0 })
      await produce(
        world,
        [...orders(schema, 2, 3), { ...orders(schema, 1, 5)[0]!, value: Buffer.of(0, 1, 2, 3, 4, 5) }],
        {
          partitions: 2,
          partition: 1,
        },
      )
      const onlyFirst: Assignment = {
        ...rival.assignment,
        join: async (group, resources) => {
          const real = await rival.assignment.join(group, resources)
          return { ...real, poll: () => Promise.resolve(new Set(['orders/0'])) }
        },
      }
      let raced: Promise<unknown> | null = null
      const racing = faultyStore(world.lake, () => null)
      const put = racing.at.bind(racing)
      const lake = {
        ...racing,
        at: (below: string) => {
          const store = put(below)
          return {
            ...store,
            putIfAbsent: async (path: string, bytes: Uint8Array) => {
              // The rival lands partition 0 right before our first commit.
              if (isEntry(`_delta_log/${path.split('/').at(-1)}`) && raced === null) {
                const end = new AbortController()
                raced = runIngest(
                  {
                    ...rival,
                    assignment: onlyFirst,
                    signal: end.signal,
                    events: { emit: (event) => event.type === 'commit.done' && end.abort() },
                  },
                  [...rival.settings.tables.values()],
                )
                await raced
              }
              return store.putIfAbsent(path, bytes)
            },
          }
        },
      }
      const report = await passOne({ ...world, lake })
      assert.ok(raced !== null)
      assert.deepEqual([report.errors.map((error) => error.code), report.landed], [['SCHEMA_ID_UNKNOWN'], 2])
      assert.deepEqual(await counts(), [{ n: 5, places: 5, total: sumTo(5) }])
    })

    it('partitions that a live process holds are waited for, and those of one that left are taken', async () => {
      const holder = await open()
      const waiter = await open()
      const schema = await registerOrders(holder)
      await produce(holder, orders(schema, 3), { partitions: 2, partition: 0 })
      await produce(holder, orders(schema, 3, 3), { partitions: 2, partition: 1 })
      const membership = await holder.assignment.join('ingest/orders', ['orders/0', 'orders/1'])
      await membership.poll()
      let ended = false
      const pass = passOne(waiter).then((report) => {
        ended = true
        return report
      })
      await holder.clock.sleep(300)
      // The waiter may have been given its share, never all.
      assert.equal(ended, false)
      await membership.leave()
      const report = await pass
      assert.deepEqual([report.landed, report.errors], [6, []])
      assert.deepEqual(await counts(), [{ n: 6, places: 6, total: sumTo(6) }])
    })

    it('I8: a topic made again is not taken for caught up while another process holds its lease', async () => {
      const holder = await open()
      const waiter = await open()
      const schema = await registerOrders(holder)
      await produce(holder, orders(schema, 5))
      await passOne(holder)
      await holder.embedded.deleteTopic('orders')
      await produce(holder, orders(schema, 2, 10))
      const membership = await holder.assignment.join('ingest/orders', ['orders/0'])
      await membership.poll()
      const pass = passOne(waiter)
      await holder.clock.sleep(250)
      await membership.leave()
      assert.deepEqual(
        (await pass).errors.map((error) => error.code),
        ['SOURCE_CHANGED'],
      )
    })
  })
}
