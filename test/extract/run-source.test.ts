import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import fc from 'fast-check'

import { createFilesConnector } from '../../connectors/files/files-connector.ts'
import { readSchemaId } from '../../src/contract/wire.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import { partitionOf } from '../../src/domain/partitioner.ts'
import { readLetters } from '../../src/error-lane/ledger.ts'
import { rowIdOfSource } from '../../src/error-lane/row-id.ts'
import { runSource } from '../../src/extract/run-source.ts'
import { unpackRefusedRow } from '../../src/extract/refused-row.ts'
import type { SourceConnector } from '../../src/ports/source-connector.ts'
import { all } from '../error-lane/ledger-fixtures.ts'
import {
  listConnector,
  memoryLog,
  ordersSchema,
  ORDER_FIELDS,
  SHOP,
  worldOf,
  type ListedRow,
  type MemoryLog,
} from './extract-doubles.ts'

const ORDERS = { layer: 'bronze', table: 'orders' } as const

test('rows become framed records in the partition of their key, and the position moves with them', async () => {
  const log = memoryLog(3)
  const rows = Array.from({ length: 20 }, (_, i) => ({ values: [`k${i}`, String(i)] }))
  const { world, events } = worldOf({ log, connector: () => listConnector(rows, [7]) })
  const outcome = await runSource({ source: SHOP, world })
  assert.deepEqual(outcome, { source: 'shop', outcome: 'caught_up', read: 20, appended: 20, refused: 0, error: null })
  assert.equal(log.appends.length, 1)
  assert.deepEqual((await log.sourceState('shop')).entries, new Map([['at', '20']]))
  for (const [partition, records] of log.partitions.entries()) {
    for (const { key, value, headers, timestampMs } of records) {
      assert.equal(partitionOf(key!, 3), partition)
      assert.equal(readSchemaId(value!)!.schemaId, 5)
      assert.equal(timestampMs, 1_700_000_000_000)
      assert.deepEqual(
        headers.map((header) => [header.key, Buffer.from(header.value).toString()]),
        [
          ['sluice.source', 'file'],
          ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-0000000000004000-01'],
        ],
      )
    }
  }
  assert.deepEqual(keysOf(log), rows.map((row) => row.values[0]!).sort())
  assert.deepEqual(
    events.map((event) => event.type),
    ['job.started', 'source.read', 'source.appended', 'dataset.read', 'dataset.written', 'job.ended'],
  )
  assert.deepEqual(new Set(events.map((event) => event.jobName)), new Set(['connect:shop']))
  const batches = events.filter(({ type }) => !type.startsWith('job.')).map(({ batchId }) => batchId)
  assert.equal(new Set(batches).size, 1)
  assert.notEqual(batches[0], undefined)
  assert.equal((await runSource({ source: SHOP, world })).read, 0)
  assert.equal(log.appends.length, 1)
})

test('a row without a key value goes to the partition that its place chooses, each time the same', async () => {
  const placed: number[][] = []
  for (const batchSizes of [[1], [50]]) {
    const log = memoryLog(4)
    const rows = Array.from({ length: 50 }, () => ({ values: ['same', '1'] }))
    const { world } = worldOf({ log, connector: () => listConnector(rows, batchSizes) })
    await runSource({ source: { ...SHOP, key: [] }, world })
    placed.push(log.partitions.map((records) => records.length))
    assert.ok(log.partitions.every((records) => records.length > 0 && records.every((record) => record.key === null)))
  }
  assert.deepEqual(placed[0], placed[1])
})

test('what the wire schema cannot hold, and what is no record, is a letter before the position passes it (I5)', async () => {
  const log = memoryLog(2)
  const rows: ListedRow[] = [
    { values: ['a', '1'] },
    { values: ['b', 'many'] },
    { values: ['c,x'], bad: true },
    { values: ['d', ''] },
  ]
  const { world, store, events } = worldOf({ log, connector: () => listConnector(rows, [10]) })
  let lettersAtAppend = -1
  log.before = () => {
    lettersAtAppend = store.objects.size
  }
  const outcome = await runSource({ source: SHOP, world })
  assert.deepEqual([outcome.read, outcome.appended, outcome.refused], [4, 2, 2])
  assert.equal(lettersAtAppend, 1)
  const letters = await all(readLetters(world.lake.at('_errors'), ORDERS))
  assert.deepEqual(
    letters.map((each) => [
      each.row_id,
      each.stage,
      each.source,
      each.schema_id,
      each.offset,
      each.errors[0]!.code,
      each.errors[0]!.field,
    ]),
    [
      [
        rowIdOfSource({ source: 'shop', object: 'list', at: '2' }),
        'connect',
        { name: 'shop', object: 'list', at: '2' },
        5,
        null,
        'SOURCE_VALUE',
        'n',
      ],
      [
        rowIdOfSource({ source: 'shop', object: 'list', at: '3' }),
        'connect',
        { name: 'shop', object: 'list', at: '3' },
        5,
        null,
        'SOURCE_LINE',
        null,
      ],
    ],
  )
  assert.deepEqual(letters[0]!.record, { id: 'b', n: 'many' })
  assert.deepEqual(unpackRefusedRow(Buffer.from(letters[0]!.raw!, 'base64')), {
    columns: ['id', 'n'],
    textual: true,
    row: { values: ['b', 'many'], at: '2', op: 'c' },
  })
  assert.equal(Buffer.from(letters[1]!.raw!, 'base64').toString(), 'c,x')
  assert.equal(unpackRefusedRow(Buffer.from('c,x')), null)
  assert.equal(log.copies.length, 2)
  assert.deepEqual(
    events.map((event) => event.type),
    [
      'job.started',
      'source.read',
      'letters.written',
      'source.appended',
      'dataset.read',
      'dataset.written',
      'job.ended',
    ],
  )
})

test('where a contract tags PII, refused rows are masked and sealed, and without a key the source stops unmoved (I13)', async () => {
  const schema = ordersSchema({}, [
    ...ORDER_FIELDS,
    { name: 'mail', type: ['null', 'string'], default: null, pii: 'email' },
  ])
  const connector = (): ReturnType<typeof listConnector> =>
    listConnector([{ values: ['a', 'x', 'someone@example.com'] }], [1], ['id', 'n', 'mail'])
  const log = memoryLog(1)
  const stopped = await runSource({ source: SHOP, world: worldOf({ log, connector, schemas: [schema] }).world })
  assert.equal(stopped.error?.code, 'SEAL_KEY_MISSING')
  assert.equal((await log.sourceState('shop')).sequence, 0n)
  const { world, store } = worldOf({ log, connector, schemas: [schema], sealKey: 'secret' })
  assert.equal((await runSource({ source: SHOP, world })).outcome, 'caught_up')
  const text = Buffer.concat([...store.objects.values()].map((object) => object.bytes)).toString()
  assert.match(text, /"sealed":true/)
  assert.ok(!text.includes('someone') && !text.includes(Buffer.from('{"at":"1"').toString('base64').slice(0, 10)))
})

test('a source without a contract stops, and says which subject is missing (I8)', async () => {
  const { world, events } = worldOf({ log: memoryLog(1), connector: () => listConnector([], [1]), schemas: [] })
  const outcome = await runSource({ source: SHOP, world })
  assert.equal(outcome.outcome, 'stopped')
  assert.equal(outcome.error?.code, 'CONTRACT_MISSING')
  assert.equal(outcome.error.row.exit, 6)
  assert.equal(outcome.error.where.subject, 'orders-value')
  assert.deepEqual(
    events.map((event) => event.type),
    ['job.started', 'source.stopped', 'job.ended'],
  )
})

test('a column that the contract does not have is named once, and its rows travel without it', async () => {
  const log = memoryLog(1)
  const rows = Array.from({ length: 5 }, (_, i) => ({ values: [`k${i}`, '1', 'x'] }))
  const { world, events } = worldOf({ log, connector: () => listConnector(rows, [2], ['id', 'n', 'colour']) })
  assert.equal((await runSource({ source: SHOP, world })).appended, 5)
  const warnings = events.filter((event) => event.type === 'warning')
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]!.message, /column "colour" of source shop is not in orders-value/)
})

test('a key column that the contract or the file does not have stops the source', async () => {
  const world = (columns: string[]): ReturnType<typeof worldOf>['world'] =>
    worldOf({ log: memoryLog(1), connector: () => listConnector([{ values: ['1'] }], [1], columns) }).world
  const missing = await runSource({ source: { ...SHOP, key: ['nothing'] }, world: world(['id']) })
  assert.equal(missing.error?.code, 'SETTINGS_INVALID')
  assert.equal(missing.error.where.key, 'sources.shop.key')
  const absent = await runSource({ source: SHOP, world: world(['n']) })
  assert.equal(absent.error?.code, 'SOURCE_UNREADABLE')
  assert.match(absent.error.message, /list has no column id/)
})

test('an append whose reply was lost is recognised by the sequence and not done twice (I9)', async () => {
  const log = memoryLog(1)
  let lost = 0
  log.after = () => {
    lost += 1
    if (lost === 1) throw new SluiceError('LOG_UNAVAILABLE', 'the reply was lost')
  }
  const { world } = worldOf({
    log,
    connector: () => listConnector([{ values: ['a', '1'] }, { values: ['b', '1'] }], [1]),
  })
  const outcome = await runSource({ source: SHOP, world })
  assert.deepEqual([outcome.outcome, outcome.appended], ['caught_up', 2])
  assert.deepEqual(keysOf(log), ['a', 'b'])
})

test('an append that failed is tried again; a log that stays away stops the source, and the next run goes on', async () => {
  const log = memoryLog(1)
  let fails = 1
  log.before = () => {
    fails -= 1
    if (fails >= 0) throw new SluiceError('LOG_UNAVAILABLE', 'the log is away')
  }
  const { world } = worldOf({ log, connector: () => listConnector([{ values: ['a', '1'] }], [1]) })
  fails = 9
  const stopped = await runSource({ source: SHOP, world })
  assert.deepEqual([stopped.outcome, stopped.error?.code, stopped.read], ['stopped', 'LOG_UNAVAILABLE', 0])
  fails = 1
  assert.equal((await runSource({ source: SHOP, world })).outcome, 'caught_up')
  assert.deepEqual(keysOf(log), ['a'])
})

test('where letters cannot be made durable the position does not pass them, and a lost reply only repeats them (I4, I5)', async () => {
  for (const [trouble, files] of [
    ['refuse', 1],
    ['lose-reply', 2],
  ] as const) {
    const log = memoryLog(1)
    const { world, store } = worldOf({
      log,
      connector: () => listConnector([{ values: ['a', '1'] }, { values: ['b', 'x'] }], [2]),
    })
    store.trouble = (call) => (call === 'put' ? trouble : undefined)
    const stopped = await runSource({ source: SHOP, world })
    assert.equal(stopped.error?.code, 'STORE_UNAVAILABLE')
    assert.equal((await log.sourceState('shop')).sequence, 0n)
    assert.deepEqual(keysOf(log), [])
    store.trouble = () => undefined
    assert.equal((await runSource({ source: SHOP, world })).outcome, 'caught_up')
    assert.deepEqual(keysOf(log), ['a'])
    assert.equal(store.objects.size, files)
    assert.deepEqual(await lettersAt(world), ['list:2'])
  }
})

test('a source that throws stops alone, with what it read before in the topic', async () => {
  const log = memoryLog(1)
  const broken = listConnector([{ values: ['a', '1'] }], [1])
  const { world } = worldOf({
    log,
    connector: () => ({
      ...broken,
      async *read(from) {
        yield* broken.read(from)
        throw new SluiceError('SOURCE_FILE_CHANGED', 'a file changed', { where: { file: 'x.csv' } })
      },
    }),
  })
  const outcome = await runSource({ source: SHOP, world })
  assert.equal(outcome.error?.code, 'SOURCE_FILE_CHANGED')
  assert.deepEqual(keysOf(log), ['a'])
})

test('a process that is asked to end keeps what it has read', async () => {
  const log = memoryLog(1)
  const ending = new AbortController()
  const rows = Array.from({ length: 10 }, (_, i) => ({ values: [`k${i}`, '1'] }))
  const list = listConnector(rows, [1])
  const { world } = worldOf({
    log,
    signal: ending.signal,
    connector: () => ({
      ...list,
      async *read(from) {
        let batches = 0
        for await (const batch of list.read(from)) {
          batches += 1
          if (batches === 3) ending.abort()
          yield batch
        }
      },
    }),
  })
  const outcome = await runSource({ source: SHOP, world })
  assert.deepEqual([outcome.outcome, outcome.read], ['interrupted', 3])
  assert.equal((await log.sourceState('shop')).entries.get('at'), '3')
})

test('two runs of one source at once: every row once, whoever wins (I9)', async () => {
  const log = memoryLog(2)
  const rows = Array.from({ length: 25_000 }, (_, i) => ({ values: [`k${i}`, i % 100 === 0 ? 'bad' : '1'] }))
  const runs = [1, 2, 3].map(() => worldOf({ log, connector: () => listConnector(rows, [400, 1_000]) }).world)
  const outcomes = await Promise.all(runs.map((world) => runSource({ source: SHOP, world })))
  assert.ok(outcomes.every((outcome) => outcome.outcome === 'caught_up'))
  assert.equal(
    outcomes.reduce((sum, outcome) => sum + outcome.appended, 0),
    24_750,
  )
  assert.deepEqual(
    keysOf(log),
    rows
      .filter((row) => row.values[1] === '1')
      .map((row) => row.values[0]!)
      .sort(),
  )
})

type Fault = 'none' | 'before' | 'after' | 'death'
const faults = fc.array(fc.constantFrom<Fault>('none', 'before', 'after', 'death'), { maxLength: 12 })

/** Each append meets the next fault: refused, its reply lost, or the process dead before it. Then none. */
function planFaults(log: MemoryLog, planned: readonly Fault[]): void {
  let at = 0
  log.before = () => {
    const fault = planned[at] ?? 'none'
    at += 1
    if (fault === 'before') throw new SluiceError('LOG_UNAVAILABLE', 'away')
    if (fault === 'death') throw new SluiceError('BUG', 'the process died')
  }
  log.after = () => {
    if (planned[at - 1] === 'after') throw new SluiceError('LOG_UNAVAILABLE', 'the reply was lost')
  }
}

async function runToEnd(world: ReturnType<typeof worldOf>['world']): Promise<void> {
  for (let run = 0; run < 100; run += 1) {
    const { outcome } = await runSource({ source: SHOP, world })
    if (outcome === 'caught_up') return
  }
  assert.fail('the source never caught up')
}

async function lettersAt(world: ReturnType<typeof worldOf>['world']): Promise<string[]> {
  const letters = await all(readLetters(world.lake.at('_errors'), ORDERS))
  return [...new Set(letters.map((each) => `${each.source!.object}:${each.source!.at}`))].sort()
}

test('whatever the batches, failures and restarts, every row comes once: record or letter (I4, I5, I9)', async () => {
  const row = fc.record({ bad: fc.boolean(), n: fc.constantFrom('1', '', 'NaN') })
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 40 }),
      fc.array(fc.nat(9), { minLength: 1, maxLength: 4 }),
      fc.nat(5),
      faults,
      async (given, sizes, cut, planned) => {
        const rows: ListedRow[] = given.map(({ bad, n }, i) => ({ values: [`k${i}`, n], bad }))
        const log = memoryLog(3)
        const { world } = worldOf({ log, connector: () => cutAfter(listConnector(rows, sizes), cut + 1) })
        planFaults(log, planned)
        await runToEnd(world)
        const good = (i: number): boolean => !given[i]!.bad && given[i]!.n !== 'NaN'
        assert.deepEqual(keysOf(log), rows.flatMap((each, i) => (good(i) ? [each.values[0]!] : [])).sort())
        assert.deepEqual(await lettersAt(world), rows.flatMap((_, i) => (good(i) ? [] : [`list:${i + 1}`])).sort())
      },
    ),
    { numRuns: 200 },
  )
})

test('every line of real files comes once, with its file and line, through failures and restarts (I9)', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-extract-'))
  const line = (i: number): string => (i % 701 === 3 ? `k${i}` : i % 1_103 === 5 ? `k${i},NaN` : `k${i},${i}`)
  const lines = Array.from({ length: 9_000 }, (_, i) => line(i))
  await writeFile(join(folder, 'b.csv'), `id,n\n${lines.slice(0, 5_000).join('\n')}\n`)
  await writeFile(join(folder, 'a.csv'), `id,n\r\n${lines.slice(5_000).join('\r\n')}`)
  const good = (text: string): boolean => /,\d+$/.test(text)
  const records = lines
    .filter(good)
    .map((text) => text.split(',')[0]!)
    .sort()
  const refused = lines
    .flatMap((text, i) => (good(text) ? [] : [i < 5_000 ? `b.csv:${i + 2}` : `a.csv:${i - 4_998}`]))
    .sort()
  try {
    await fc.assert(
      fc.asyncProperty(faults, fc.nat(3), async (planned, cut) => {
        const log = memoryLog(3)
        const { world } = worldOf({
          log,
          connector: () => cutAfter(createFilesConnector({ name: 'shop', options: { path: folder } }), cut + 1),
        })
        planFaults(log, planned)
        await runToEnd(world)
        assert.deepEqual(keysOf(log), records)
        assert.deepEqual(await lettersAt(world), refused)
      }),
      { numRuns: 8 },
    )
  } finally {
    await rm(folder, { recursive: true })
  }
})

function keysOf(log: MemoryLog): string[] {
  return log.partitions.flatMap((records) => records.map((record) => Buffer.from(record.key!).toString())).sort()
}

/** Fails after so many batches, as a source that goes away, so that each run appends little. */
function cutAfter(connector: SourceConnector, batches: number): SourceConnector {
  return {
    ...connector,
    async *read(from, signal) {
      let taken = 0
      for await (const batch of connector.read(from, signal)) {
        if (taken === batches) throw new SluiceError('SOURCE_UNAVAILABLE', 'the source went away')
        taken += 1
        yield batch
      }
    },
  }
}
