import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { readHeaders, recordValue } from '../../src/domain/record-batch.ts'
import type { Settings } from '../../src/domain/settings.ts'
import { runIngest, type TableReport } from '../../src/ingest/run-ingest.ts'
import { ingestExit } from '../support/ingest-exit.ts'
import { redriveTable } from '../../src/operate/redrive.ts'
import { verifyTable } from '../../src/operate/verify.ts'
import {
  laneLines,
  message,
  order,
  ORDER_FIELDS,
  orders,
  produce,
  registerOrders,
  skipLines,
} from '../support/orders.ts'
import { activeFiles, rawRows } from '../support/raw-delta.ts'
import { temporaryFolder } from '../support/sluice.ts'
import { openTestWorld, type TestWorld, type TestWorldOptions } from '../support/world.ts'

const OPTIONAL = { name: 'note', type: ['null', 'string'], default: null }

/** What ingest promises, whatever the number of threads. */
export function lanePromises(name: string, ingest: Partial<Settings['ingest']>): void {
  describe(name, () => {
    let root: Awaited<ReturnType<typeof temporaryFolder>>
    let folder: string
    let count = 0
    const opened: TestWorld[] = []
    before(async () => {
      root = await temporaryFolder('ingest')
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
    const lake = (): string => join(folder, 'lake')
    const table = (name = 'orders'): string => join(lake(), 'bronze', name)
    const pass = (world: TestWorld): Promise<TableReport[]> => runIngest(world, [...world.settings.tables.values()])
    const passOne = async (world: TestWorld): Promise<TableReport> => (await pass(world))[0]!
    const rowsOf = (sql: string, name = 'orders'): Promise<Record<string, unknown>[]> => rawRows(table(name), sql)
    const offsets = async (name = 'orders'): Promise<unknown[]> =>
      (await rowsOf('select _partition as p, _offset::int as o from rows order by all', name)).map((row) => [
        row['p'],
        row['o'],
      ])
    const codes = (report: TableReport): string[] => report.errors.map((error) => error.code)
    async function holds(world: TestWorld, name = 'orders'): Promise<void> {
      const proof = await verifyTable(world, world.settings.tables.get(name)!, { againstLog: true })
      assert.equal(
        proof.ok,
        true,
        JSON.stringify(proof, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      )
    }

    describe('what lands', () => {
      it('an empty topic commits nothing, and neither does a topic that does not exist', async () => {
        const world = await open()
        await registerOrders(world)
        assert.deepEqual(await passOne(world), {
          table: 'bronze.orders',
          read: 0,
          landed: 0,
          quarantined: 0,
          skipped: 0,
          committed: false,
          version: null,
          errors: [],
        })
        await produce(world, [])
        assert.equal((await passOne(world)).committed, false)
        assert.equal(existsSync(table()), false)
      })

      it('one record is one row and one commit, and the next pass commits nothing', async () => {
        const world = await open()
        const schema = await registerOrders(world)
        await produce(world, [order(schema, { id: 'a', n: 1 })])
        const first = await passOne(world)
        assert.deepEqual([first.read, first.landed, first.version, first.committed], [1, 1, 0, true])
        const [row] = await rowsOf('select * from rows')
        assert.deepEqual(
          [
            row?.['id'],
            row?.['n'],
            row?.['_op'],
            row?.['_topic'],
            row?.['_partition'],
            row?.['_epoch'],
            row?.['_offset'],
            row?.['_source_system'],
            row?.['_schema_id'],
            row?.['_contract_id'],
            row?.['_rescued'],
          ],
          ['a', 1, 'c', 'orders', 0, 0, '0', 'kafka', schema.id, schema.id, null],
        )
        const again = await passOne(world)
        assert.deepEqual([again.read, again.version, again.committed], [0, 0, false])
        await holds(world)
      })

      it('I1, I2: the position is the next offset in the commit of the rows, and leases count for nothing', async () => {
        const world = await open()
        const schema = await registerOrders(world)
        await produce(world, orders(schema, 3))
        await pass(world)
        const topic = await world.log.describe('orders')
        const [entry] = (await readdir(join(table(), '_delta_log'))).filter((name) => name.endsWith('.json'))
        const actions = (await readFile(join(table(), '_delta_log', entry!), 'utf8'))
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { txn?: { appId: string; version: unknown } })
        const txns = Object.fromEntries(
          actions.flatMap(({ txn }) => (txn === undefined ? [] : [[txn.appId, BigInt(String(txn.version))]])),
        )
        assert.equal(txns['sluice/orders/0'], 3n)
        assert.ok(topic !== null && 'sluice/orders/0/source' in txns)
        const membership = await world.assignment.join('ingest/orders', ['orders/0'])
        await membership.poll()
        await membership.leave()
        await produce(world, orders(schema, 2, 3))
        assert.equal((await passOne(world)).landed, 2)
        assert.deepEqual(await offsets(), [
          [0, 0],
          [0, 1],
          [0, 2],
          [0, 3],
          [0, 4],
        ])
      })

      it('I5: where every record is refused, letters are durable first, positions move, and there is no data file', async () => {
        const world = await open()
        const schema = await registerOrders(world)
        await produce(world, [order(schema, { id: 'a', n: -1 }), order(schema, { id: 'b', n: -2 })])
        const report = await passOne(world)
        assert.deepEqual([report.read, report.landed, report.quarantined, report.version], [2, 0, 2, 0])
        assert.deepEqual(await activeFiles(table()), [])
        assert.deepEqual(
          (await laneLines(lake())).map((letter) => [
            letter.offset,
            letter.errors.map((error) => [error.code, error.field]),
          ]),
          [
            ['0', [['RANGE', 'n']]],
            ['1', [['RANGE', 'n']]],
          ],
        )
        const steps = world.events.seen
          .map((event) => event.type)
          .filter((type) => type === 'letters.written' || type === 'commit.done')
        assert.deepEqual(steps, ['letters.written', 'commit.done'])
        assert.equal((await passOne(world)).committed, false)
        await holds(world)
      })

      it('a null value is a row with _op d and the key, and the rules do not apply', async () => {
        const world = await open()
        const schema = await registerOrders(world)
        await produce(world, [order(schema, { id: 'a', n: 1 }), message(null, { key: 'a' }), message(null)])
        const report = await passOne(world)
        assert.deepEqual([report.landed, report.quarantined], [2, 1])
        assert.deepEqual(await rowsOf('select id, n, _op, _schema_id from rows where _offset = 1'), [
          { id: 'a', n: null, _op: 'd', _schema_id: 0 },
        ])
        assert.deepEqual(
          (await laneLines(lake())).map((letter) => [letter.offset, letter.raw]),
          [['2', null]],
        )
        await holds(world)
      })

      it('headers give source, op and batch id; unknown or broken values count as absent', async () => {
        const world = await open()
        const schema = await registerOrders(world)
        const uuid = '0f4fd39a-97a6-4f0b-9a6a-6f4b0b6a1c2d'
        const header = (key: string, value: string) => ({ key, value: Buffer.from(value) })
        await produce(world, [
          order(
            schema,
            { id: 'a', n: 1 },
            {
              headers: [header('sluice.source', 'redshift'), header('sluice.op', 'u'), header('sluice.batch_id', uuid)],
            },
          ),
          order(
            schema,
            { id: 'b', n: 1 },
            {
              headers: [header('sluice.source', 'No Such!'), header('sluice.op', 'x'), header('sluice.batch_id', '1')],
            },
          ),
          order(schema, { id: 'c', n: 1 }),
        ])
        await pass(world)
        const rows = await rowsOf('select _source_system as s, _op as op, _batch_id as b from rows order by _offset')
        assert.deepEqual(
          rows.map(({ s, op }) => [s, op]),
          [
            ['redshift', 'u'],
            ['kafka', 'c'],
            ['kafka', 'c'],
          ],
        )
        assert.equal(rows[0]?.['b'], uuid)
        assert.notEqual(rows[1]?.['b'], uuid)
        assert.equal(rows[1]?.['b'], rows[2]?.['b'])
      })

      it('I5: truncated, random and wrong-magic messages become letters that name place, rule and contract', async () => {
        const world = await open()
        const schema = await registerOrders(world)
        const good = order(schema, { id: 'a', n: 1 }).value!
        const wrongMagic = Uint8Array.from(good)
        wrongMagic[0] = 1
        await produce(world, [
          order(schema, { id: 'a', n: 1 }),
          message(good.subarray(0, good.length - 1)),
          message(good.subarray(0, 3)),
          message(new Uint8Array(0)),
          message(wrongMagic),
          message(Buffer.from('not a message at all')),
          message(Buffer.concat([good, Buffer.of(0)])),
          order(schema, { id: 'z', n: 2 }),
        ])
        const report = await passOne(world)
        assert.deepEqual([report.landed, report.quarantined, report.errors], [2, 6, []])
        const letters = await laneLines(lake())
        assert.deepEqual(
          letters.map((letter) => [letter.offset, letter.errors[0]?.code]),
          [
            ['1', 'DECODE'],
            ['2', 'WIRE_FORMAT'],
            ['3', 'WIRE_FORMAT'],
            ['4', 'WIRE_FORMAT'],
            ['5', 'WIRE_FORMAT'],
            ['6', 'DECODE'],
          ],
        )
        for (const letter of letters) {
          assert.deepEqual(
            [letter.stage, letter.topic, letter.partition, letter.contract_id],
            ['contract', 'orders', 0, schema.id],
          )
          assert.ok(letter.errors[0]!.rule !== '' && letter.raw !== null)
        }
        assert.equal(letters[1]?.raw, Buffer.from(good.subarray(0, 3)).toString('base64'))
        await holds(world)
      })

      it('a record past ingest.max_record_mb is refused, and those around it land', async () => {
        const world = await open({ ingest: { maxRecordBytes: 1000 } })
        const schema = await registerOrders(world)
        await produce(world, [
          order(schema, { id: 'a', n: 1 }),
          order(schema, { id: 'x'.repeat(2000), n: 1 }),
          order(schema, { id: 'b', n: 2 }),
        ])
        const report = await passOne(world)
        assert.deepEqual([report.landed, report.quarantined], [2, 1])
        assert.deepEqual(
          (await laneLines(lake())).map((letter) => [letter.offset, letter.errors[0]?.code, letter.schema_id]),
          [['1', 'TOO_LARGE', schema.id]],
        )
        await holds(world)
      })

      it('I12: records of a batch past ingest.max_batch_mb are refused without being read, and those around it land', async () => {
        const world = await open({ ingest: { maxBatchBytes: 3_000, maxRecordBytes: 2_000 } })
        const schema = await registerOrders(world)
        await produce(world, [order(schema, { id: 'a', n: 1 })])
        await produce(
          world,
          [1, 2].map((n) => order(schema, { id: 'x'.repeat(1_900), n })),
        )
        await produce(world, [order(schema, { id: 'b', n: 2 })])
        const report = await passOne(world)
        assert.deepEqual([report.landed, report.quarantined], [2, 2])
        const letters = await laneLines(lake())
        assert.deepEqual(
          letters.map((letter) => [letter.offset, letter.errors[0]?.code, letter.raw]),
          [
            ['1', 'BATCH_TOO_LARGE', null],
            ['2', 'BATCH_TOO_LARGE', null],
          ],
        )
        await holds(world)
        const table = world.settings.tables.get('orders')!
        const { passed, failed, rules } = await redriveTable({ world, table, filter: {}, dryRun: false })
        assert.deepEqual([passed, failed, [...rules.values()]], [0, 2, [2]])
        await holds(world)
      })

      it('I4: a copy to <topic>.errors that fails stops nothing', async () => {
        const world = await open({
          log: (real) => ({
            ...real,
            append: () => Promise.reject(new Error('broken')),
            create: () => Promise.reject(new Error('broken')),
          }),
        })
        const schema = await registerOrders(world)
        await produce(world, [order(schema, { id: 'a', n: -1 }), order(schema, { id: 'b', n: 1 })])
        const report = await passOne(world)
        assert.deepEqual([report.landed, report.quarantined, report.errors], [1, 1, []])
        assert.ok(world.events.seen.some((event) => event.type === 'letters.copy_failed'))
        assert.equal((await laneLines(lake())).length, 1)
      })

      it('the copy on <topic>.errors is the record itself, with where and why in its headers', async () => {
        const world = await open()
        const schema = await registerOrders(world)
        const bad = order(schema, { id: 'a', n: -1 })
        await produce(world, [bad])
        await pass(world)
        const fetched = await world.log.fetch({
          topic: 'orders.errors',
          partition: 0,
          from: 0n,
          maxBytes: 1000,
          waitMs: 0,
        })
        assert.equal(fetched.kind, 'batches')
        const batch = fetched.kind === 'batches' ? fetched.batches[0]! : assert.fail()
        assert.deepEqual(Buffer.from(recordValue(batch, 0)!), Buffer.from(bad.value!))
        const headers = new Map(readHeaders(batch, 0).map(({ key, value }) => [key, Buffer.from(value).toString()]))
        assert.deepEqual(
          [
            headers.get('__connect.errors.topic'),
            headers.get('__connect.errors.offset'),
            headers.get('__connect.errors.exception.class.name'),
          ],
          ['orders', '0', 'RANGE'],
        )
      })
    })

    describe('what stops a lane', () => {
      it('I8: an unknown schema id stops its partition exactly before the record; the rest goes on, and after registering nothing is lost', async () => {
        const world = await open({ tables: [{}, { table: 'others', topic: 'others', subject: 'others-value' }] })
        const schema = await registerOrders(world)
        const others = await registerOrders(world, ORDER_FIELDS, 'others-value')
        const later = await laterSchema()
        await produce(
          world,
          [...orders(schema, 3), order(later, { id: 'new', n: 3, note: 'x' }), ...orders(schema, 2, 4)],
          { partitions: 2 },
        )
        await produce(world, orders(schema, 4), { partition: 1, partitions: 2 })
        await produce(world, orders(others, 2), { topic: 'others' })
        const [stopped, other] = await pass(world)
        assert.deepEqual(codes(stopped!), ['SCHEMA_ID_UNKNOWN'])
        assert.deepEqual([stopped!.errors[0]!.where.partition, stopped!.errors[0]!.where.offset], [0, '3'])
        assert.equal(ingestExit([stopped!, other!]), 6)
        assert.deepEqual([stopped!.landed, other!.landed], [7, 2])
        assert.deepEqual(await offsets(), [
          [0, 0],
          [0, 1],
          [0, 2],
          [1, 0],
          [1, 1],
          [1, 2],
          [1, 3],
        ])
        assert.deepEqual(codes((await pass(world))[0]!), ['SCHEMA_ID_UNKNOWN'])
        assert.equal((await registerOrders(world, [...ORDER_FIELDS, OPTIONAL])).id, later.id)
        const [resumed] = await pass(world)
        assert.deepEqual([resumed!.landed, resumed!.errors], [3, []])
        assert.equal((await offsets()).length, 10)
        await holds(world)
      })

      /** A schema that this world's registry does not have yet; ids go by content. */
      async function laterSchema() {
        const elsewhere = await openTestWorld({ folder: join(folder, 'elsewhere') })
        try {
          return await registerOrders(elsewhere, [...ORDER_FIELDS, OPTIONAL])
        } finally {
          await elsewhere.close()
        }
      }

      it('I8: an unknown schema id at the very first record commits nothing', async () => {
        const world = await open()
        await registerOrders(world)
        await produce(world, [order(await laterSchema(), { id: 'new', n: 3, note: 'x' })])
        const report = await passOne(world)
        assert.deepEqual([codes(report), report.committed, report.version], [['SCHEMA_ID_UNKNOWN'], false, null])
      })

      it('I8: a table whose folder was removed stops its lane and no other, and is not made again', async () => {
        const world = await open({ tables: [{}, { table: 'copy' }] })
        const schema = await registerOrders(world)
        await produce(world, orders(schema, 2))
        await pass(world)
        await rm(table(), { recursive: true })
        await produce(world, orders(schema, 1, 2))
        const [gone, other] = await pass(world)
        assert.deepEqual([codes(gone!), gone!.version, codes(other!), other!.landed], [['TABLE_MISSING'], null, [], 1])
        assert.equal(ingestExit([gone!, other!]), 6)
        assert.equal(existsSync(table()), false)
      })

      it('I8: a topic that was deleted and made again stops the lane, also where it is as long as before', async () => {
        const world = await open()
        const schema = await registerOrders(world)
        await produce(world, orders(schema, 2))
        await pass(world)
        await world.embedded.deleteTopic('orders')
        assert.deepEqual(codes(await passOne(world)), ['SOURCE_CHANGED'])
        await produce(world, [])
        assert.deepEqual(codes(await passOne(world)), ['SOURCE_CHANGED'])
        await produce(world, orders(schema, 2, 10))
        const report = await passOne(world)
        assert.deepEqual([codes(report), report.landed, ingestExit([report])], [['SOURCE_CHANGED'], 0, 6])
        assert.deepEqual(await offsets(), [
          [0, 0],
          [0, 1],
        ])
      })

      it('I8: retention past the position stops the lane and names the gap', async () => {
        const { world, schema, advance } = await agingWorld()
        await produce(world, orders(schema, 2), { retentionMs: 60_000 })
        await pass(world)
        await produce(world, orders(schema, 5, 2))
        await advance(world)
        const start = (await world.log.describe('orders'))!.partitions[0]!.start
        assert.equal(start, 7n)
        const report = await passOne(world)
        assert.deepEqual(codes(report), ['OFFSET_OUT_OF_RANGE'])
        assert.match(report.errors[0]!.message, /next at offset 2.*\[7,8\).*5 records/)
        assert.deepEqual(await offsets(), [
          [0, 0],
          [0, 1],
        ])
      })

      it('I17: a lane that begins after the log was cut writes a start skip, and conservation holds', async () => {
        const { world, schema, advance } = await agingWorld()
        await produce(world, orders(schema, 5), { retentionMs: 60_000 })
        await advance(world)
        const report = await passOne(world)
        assert.deepEqual([report.landed, report.skipped, report.errors], [1, 5, []])
        assert.deepEqual(
          (await skipLines(lake())).map(({ first, next, reason }) => [first, next, reason]),
          [['0', '5', 'start']],
        )
        await holds(world)
        assert.equal((await passOne(world)).committed, false)
      })

      /** `advance` lets all that is in the log age past its retention, then appends one record so that it is cut. */
      async function agingWorld() {
        let addedMs = 0
        const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + addedMs }
        const world = await open({ clock })
        const schema = await registerOrders(world)
        const advance = async (target: TestWorld): Promise<void> => {
          addedMs += 120_000
          await produce(target, orders(schema, 1, 100))
        }
        return { world, schema, advance }
      }

      it('a table without a contract stops, and lands all once it has one', async () => {
        const world = await open({ tables: [{ subject: 'ours-value' }] })
        const schema = await registerOrders(world)
        await produce(world, orders(schema, 2))
        assert.deepEqual(codes(await passOne(world)), ['CONTRACT_MISSING'])
        await registerOrders(world, ORDER_FIELDS, 'ours-value')
        assert.equal((await passOne(world)).landed, 2)
      })

      it('a pass that is asked to end stops without an error, keeps what it committed, and the next one completes', async () => {
        const ending = new AbortController()
        const world = await open({
          signal: ending.signal,
          ingest: { fetchBytes: 1, flushBytes: 1 },
        })
        const schema = await registerOrders(world)
        for (let i = 0; i < 6; i += 1) await produce(world, orders(schema, 2, i * 2))
        const emit = world.events.emit.bind(world.events)
        world.events.emit = (event) => {
          emit(event)
          if (event.type === 'commit.done' && event.version === 1) ending.abort(new Error('asked to end'))
        }
        const report = await passOne(world)
        assert.deepEqual([report.errors, report.version], [[], 1])
        const next = await open()
        await pass(next)
        assert.equal((await offsets()).length, 12)
        await holds(next)
      })
    })

    describe('contracts', () => {
      const EXTRA = { name: 'extra', type: ['null', 'long'], default: null }

      it('mode rescue keeps an unknown field aside; reject refuses; evolve adds a column, in one commit with its rows', async () => {
        const tables = (['rescue', 'reject', 'evolve'] as const).map((mode) => ({
          table: mode,
          onUnknownField: mode,
          subject: 'orders-value',
          pinnedVersion: 1,
        }))
        const world = await open({ tables })
        const schema = await registerOrders(world)
        const wider = await registerOrders(world, [...ORDER_FIELDS, EXTRA])
        await produce(world, [
          order(schema, { id: 'a', n: 1 }),
          order(wider, { id: 'b', n: 2, extra: 9_007_199_254_740_993n }),
          order(wider, { id: 'c', n: 3, extra: null }),
        ])
        const [rescue, reject, evolve] = await pass(world)
        assert.deepEqual([rescue!.landed, reject!.landed, evolve!.landed], [3, 2, 3])
        const rescued = await rowsOf('select id, _rescued as r from rows order by id', 'rescue')
        assert.equal(rescued[0]?.['r'], null)
        assert.match(String(rescued[1]?.['r']), /^\{"extra":"?9007199254740993"?\}$/)
        assert.deepEqual(
          (await laneLines(lake(), 'reject')).map((letter) => [
            letter.offset,
            letter.errors[0]?.code,
            letter.errors[0]?.field,
          ]),
          [['1', 'UNKNOWN_FIELD', 'extra']],
        )
        assert.deepEqual(
          (await rowsOf('select id, extra from rows order by id', 'evolve')).map((row) => row['extra']),
          [null, '9007199254740993', null],
        )
        for (const name of ['rescue', 'reject', 'evolve']) await holds(world, name)
      })

      it('mode evolve: writers that disagree on a type, fetched apart, still make one column; what does not fit is rescued', async () => {
        const world = await open({
          tables: [{ onUnknownField: 'evolve', pinnedVersion: 1 }],
          ingest: { fetchBytes: 1 },
        })
        const plain = await registerOrders(world)
        const asInt = await registerOrders(world, [
          ...ORDER_FIELDS,
          { name: 'extra', type: ['null', 'int'], default: null },
        ])
        const asLong = await registerOrders(world, [...ORDER_FIELDS, EXTRA])
        const asText = await registerOrders(
          world,
          [...ORDER_FIELDS, { ...EXTRA, type: ['null', 'string'] }],
          'elsewhere-value',
        )
        for (const record of [
          order(plain, { id: '0', n: 0 }),
          order(asInt, { id: 'a', n: 1, extra: 7 }),
          order(asLong, { id: 'b', n: 2, extra: 5_000_000_000n }),
          order(asText, { id: 'c', n: 3, extra: 'x' }),
        ])
          await produce(world, [record])
        const report = await passOne(world)
        assert.deepEqual([report.landed, report.errors, report.version], [4, [], 0])
        assert.deepEqual(
          (await rowsOf('select extra, _rescued as r from rows order by id')).map((row) => [row['extra'], row['r']]),
          [
            [null, null],
            [7, null],
            [null, '{"extra":5000000000}'],
            [null, '{"extra":"x"}'],
          ],
        )
        await produce(world, [order(plain, { id: 'z', n: 9 })])
        assert.deepEqual([(await passOne(world)).landed, (await offsets()).length], [1, 5])
        await holds(world)
      })

      it('a contract that gains an optional field adds the column in the commit of its first rows; old rows read null', async () => {
        const world = await open()
        const schema = await registerOrders(world)
        await produce(world, [order(schema, { id: 'a', n: 1 })])
        await pass(world)
        const next = await registerOrders(world, [...ORDER_FIELDS, OPTIONAL])
        await produce(world, [order(schema, { id: 'b', n: 2 }), order(next, { id: 'c', n: 3, note: 'hi' })])
        assert.equal((await passOne(world)).version, 1)
        assert.deepEqual(
          (await rowsOf('select note from rows order by _offset')).map((row) => row['note']),
          [null, null, 'hi'],
        )
      })

      it('a type that the contract widened rewrites the table, and no old row is lost', async () => {
        const world = await open()
        const schema = await registerOrders(world)
        await produce(world, [...orders(schema, 3), order(schema, { id: 'bad', n: -1 })])
        await pass(world)
        const wide = await registerOrders(world, [
          ORDER_FIELDS[0]!,
          { name: 'n', type: 'long', constraints: { minimum: 0 } },
        ])
        await produce(world, [order(wide, { id: 'big', n: 9_223_372_036_854_775_807n })])
        const report = await passOne(world)
        assert.deepEqual([report.landed, report.errors], [1, []])
        assert.deepEqual(
          (await rowsOf('select n, typeof(n) as t from rows order by _offset')).map((row) => [row['n'], row['t']]),
          [
            ['0', 'BIGINT'],
            ['1', 'BIGINT'],
            ['2', 'BIGINT'],
            ['9223372036854775807', 'BIGINT'],
          ],
        )
        await holds(world)
      })

      it('a type that the table cannot take stops the lane, and what is there stays', async () => {
        const world = await open({ tables: [{ subject: 'ours-value' }] })
        const schema = await registerOrders(world)
        await registerOrders(world, ORDER_FIELDS, 'ours-value')
        await produce(world, orders(schema, 2))
        await pass(world)
        await world.registry.register(
          'ours-value',
          {
            format: 'avro',
            text: JSON.stringify({
              type: 'record',
              name: 'Order',
              fields: [
                { name: 'id', type: 'string' },
                { name: 'n', type: ['null', 'boolean'], default: null },
              ],
            }),
          },
          { force: true },
        )
        const next = await registerOrders(world, [ORDER_FIELDS[0]!], 'other-value')
        await produce(world, [order(next, { id: 'x' })])
        const report = await passOne(world)
        assert.deepEqual(codes(report), ['TABLE_TYPE_CONFLICT'])
        assert.equal((await offsets()).length, 2)
      })

      it('a pinned contract judges, whatever version is the latest', async () => {
        const world = await open({ tables: [{ pinnedVersion: 1 }] })
        const first = await registerOrders(world)
        const latest = await world.registry.register('orders-value', {
          format: 'avro',
          text: JSON.stringify({
            type: 'record',
            name: 'Order',
            fields: [ORDER_FIELDS[0], { name: 'n', type: 'int' }],
          }),
        })
        await produce(world, [order(latest, { id: 'a', n: -1 }), order(latest, { id: 'b', n: 1 })])
        const report = await passOne(world)
        assert.deepEqual([report.landed, report.quarantined], [1, 1])
        assert.deepEqual(await rowsOf('select _schema_id as s, _contract_id as c from rows'), [
          { s: latest.id, c: first.id },
        ])
      })
    })

    it('I12: a small flush_mb makes many commits of bounded size, and loses nothing', async () => {
      const limits: Partial<Settings['ingest']> = { flushBytes: 10_000, fetchBytes: 4_000 }
      const world = await open({ ingest: limits })
      const schema = await registerOrders(world)
      for (let i = 0; i < 40; i += 1)
        await produce(world, orders(schema, 50, i * 50), { partitions: 2, partition: i % 2 })
      const report = await passOne(world)
      assert.equal(report.landed, 2_000)
      const commits = world.events.seen.filter((event) => event.type === 'flush.done')
      assert.ok(commits.length > 5, `${commits.length} commits`)
      // A row of this table holds at least 30 bytes; one fetch may come on top of the bound.
      for (const commit of commits) assert.ok(commit.type === 'flush.done' && commit.landed * 30 <= 10_000 + 4_000 * 20)
      assert.deepEqual(
        await rowsOf('select count(*)::int as n, count(distinct (_partition, _offset))::int as places from rows'),
        [{ n: 2_000, places: 2_000 }],
      )
      await holds(world)
    })
  })
}
