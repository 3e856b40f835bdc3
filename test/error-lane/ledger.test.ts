import assert from 'node:assert/strict'
import { test } from 'node:test'

import { toLaneRecord } from '../../src/error-lane/lane-record.ts'
import {
  distinctLetters,
  listLanes,
  readHealings,
  readLetters,
  readSkips,
  type LetterFilter,
} from '../../src/error-lane/ledger.ts'
import { letterState } from '../../src/error-lane/letter-state.ts'
import { summariseLetters } from '../../src/error-lane/summarise-letters.ts'
import { writeHealings } from '../../src/error-lane/write-healings.ts'
import { writeLetters } from '../../src/error-lane/write-letters.ts'
import { writeSkips } from '../../src/error-lane/write-skips.ts'
import { MemoryStore } from '../conformance/memory-store.ts'
import { all, aLetter, ids, RUN } from './ledger-fixtures.ts'

const ORDERS = { layer: 'bronze', table: 'orders' } as const
const DAY_MS = 86_400_000

test('letters of one call are one file, by table, day and run (I5)', async () => {
  const store = new MemoryStore()
  const letters = [aLetter(), aLetter({ rowId: 'f'.repeat(32), sealed: true })]
  const written = await writeLetters({ store, letters, sealKey: 'secret', newId: ids() })
  const path = `bronze/orders/dt=2026-11-20/run_id=${RUN}/00000000-0000-4000-8000-000000000001.json`
  assert.deepEqual(written, { path, letters: 2 })
  assert.deepEqual([...store.objects.keys()], [path])
  const lines = Buffer.from(store.objects.get(path)!.bytes).toString('utf8').split('\n')
  assert.equal(lines.length, 3)
  assert.equal(lines[2], '')
  assert.deepEqual(JSON.parse(lines[0]!), toLaneRecord(letters[0]!, null))
  assert.equal(await writeLetters({ store, letters: [], sealKey: null, newId: ids() }), null)
})

test('without a key for what must be sealed nothing is written at all', async () => {
  const store = new MemoryStore()
  const letters = [aLetter(), aLetter({ sealed: true })]
  await assert.rejects(writeLetters({ store, letters, sealKey: null, newId: ids() }), {
    code: 'SEAL_KEY_MISSING',
  })
  assert.equal(store.objects.size, 0)
})

test('a table or run that is no name never becomes a path (I14)', async () => {
  for (const over of [{ table: '../x' }, { runId: '../../x' }]) {
    await assert.rejects(
      writeLetters({ store: new MemoryStore(), letters: [aLetter(over)], sealKey: null, newId: ids() }),
      { code: 'IDENTIFIER_INVALID' },
    )
  }
})

test('skips and healings come back as they were written', async () => {
  const store = new MemoryStore()
  const newId = ids()
  const skips = [
    { topic: 'orders', partition: 0, epoch: 0, first: 0n, next: 9_007_199_254_740_993n, reason: 'start' as const },
    { topic: 'orders', partition: 1, epoch: 2, first: 5n, next: 6n, reason: 'control' as const },
  ]
  const path = (await writeSkips({ store, ...ORDERS, runId: RUN, skips, newId }))!.path
  assert.match(path, /^bronze\/orders\/_skips\/[0-9a-f-]+\.json$/)
  assert.deepEqual(await all(readSkips(store, ORDERS)), skips)
  assert.equal(await writeSkips({ store, ...ORDERS, runId: RUN, skips: [], newId }), null)

  const healing = { rowId: 'a'.repeat(32), table: 'bronze.orders', version: 4, atMs: 1_700_000_000_123 }
  const healed = await writeHealings({
    store,
    ...ORDERS,
    runId: RUN,
    healings: [healing, { ...healing, version: 5, atMs: healing.atMs + 1 }],
    newId,
  })
  assert.match(healed!.path, /^bronze\/orders\/_healed\/[0-9a-f-]+\.json$/)
  assert.deepEqual((await all(readHealings(store, ORDERS)))[0], healing)
  assert.deepEqual(await all(readLetters(store, ORDERS)), [])
  assert.deepEqual(await listLanes(store), [ORDERS])
})

test('counts are of distinct row ids (I5)', async () => {
  const store = new MemoryStore()
  const newId = ids()
  const put = (letters: Parameters<typeof aLetter>[0][]): Promise<unknown> =>
    writeLetters({ store, letters: letters.map((over) => aLetter(over)), sealKey: null, newId })
  const later = { quarantinedAtMs: aLetter().quarantinedAtMs + DAY_MS, contractId: 9 }
  await put([{}, { rowId: 'b'.repeat(32) }])
  await put([{}])
  await put([later])
  assert.equal((await all(readLetters(store, ORDERS))).length, 4)
  assert.equal((await all(distinctLetters(readLetters(store, ORDERS)))).length, 2)
  const { letters, groups } = await summariseLetters(readLetters(store, ORDERS))
  assert.equal(letters, 2)
  assert.deepEqual(
    groups.map(({ stage, code, field, rule, letters: n }) => [stage, code, field, rule, n]),
    [['contract', 'REQUIRED', 'customer', 'required', 2]],
  )
})

test('filters', async () => {
  const store = new MemoryStore()
  const letters = [
    aLetter(),
    aLetter({
      rowId: 'b'.repeat(32),
      log: { topic: 'orders', partition: 1, epoch: 1, offset: 5n },
      errors: [{ code: 'RANGE', field: 'total', rule: 'minimum 0', message: 'm' }],
    }),
    aLetter({ rowId: 'c'.repeat(32), stage: 'connect', log: null, source: { source: 's', object: 'a.csv', at: '2' } }),
  ]
  await writeLetters({ store, letters, sealKey: null, newId: ids() })
  await writeLetters({
    store,
    letters: [aLetter({ rowId: 'd'.repeat(32), quarantinedAtMs: aLetter().quarantinedAtMs + DAY_MS })],
    sealKey: null,
    newId: () => 'e',
  })
  const found = async (filter: LetterFilter): Promise<string> =>
    (await all(readLetters(store, ORDERS, filter))).map((each) => each.row_id[0]).join('')
  assert.equal(await found({}), '0bcd')
  assert.equal(await found({ stage: 'connect' }), 'c')
  assert.equal(await found({ code: 'RANGE' }), 'b')
  assert.equal(await found({ field: 'customer' }), '0cd')
  assert.equal(await found({ topic: 'orders', partition: 1 }), 'b')
  assert.equal(await found({ epoch: 0, firstOffset: 6n }), '0d')
  assert.equal(await found({ firstOffset: 5n, nextOffset: 6n }), 'b')
  assert.equal(await found({ rowIdPrefix: 'bb' }), 'b')
  assert.equal(await found({ sinceMs: aLetter().quarantinedAtMs + 1 }), 'd')
  assert.equal(await found({ runId: RUN }), '0bcd')
  assert.equal(await found({ runId: 'other' }), '')
})

test('fields that are not known pass through', async () => {
  const store = new MemoryStore()
  const line = { ...toLaneRecord(aLetter(), null), added_later: { x: 1 } }
  await store.put('bronze/orders/dt=2026-11-20/run_id=r/a.json', Buffer.from(`${JSON.stringify(line)}\n`))
  assert.deepEqual((await all(readLetters(store, ORDERS)))[0], line)
})

for (const [what, text] of [
  ['no JSON', 'x\n'],
  ['no object', '[1]\n'],
  ['a letter cut off', JSON.stringify(toLaneRecord(aLetter(), null)).slice(0, 80)],
  ['a letter without a line end', JSON.stringify(toLaneRecord(aLetter(), null))],
  ['no row id', '{"layer":"bronze"}\n'],
  ['an offset that is a number', `${JSON.stringify({ ...toLaneRecord(aLetter(), null), offset: 3 })}\n`],
] as const) {
  test(`a ledger file with ${what} is refused, naming file and line`, async () => {
    const store = new MemoryStore()
    const path = 'bronze/orders/dt=2026-11-20/run_id=r/a.json'
    await store.put(path, Buffer.from(`${JSON.stringify(toLaneRecord(aLetter(), null))}\n${text}`))
    await assert.rejects(all(readLetters(store, ORDERS)), {
      code: 'LETTERS_UNREADABLE',
      where: { file: path, line: 2 },
    })
  })
}

test('a file larger than one read, with lines across its borders, reads whole', async () => {
  const store = new MemoryStore()
  const letters = Array.from({ length: 3_000 }, (_, i) =>
    aLetter({ rowId: String(i).padStart(32, '0'), record: 'é'.repeat(1_000) }),
  )
  await writeLetters({ store, letters, sealKey: null, newId: ids() })
  const read = await all(readLetters(store, ORDERS))
  assert.deepEqual(
    read.map((each) => Number(each.row_id)),
    letters.map((_, i) => i),
  )
  assert.ok(read.every((each) => each.record === 'é'.repeat(1_000)))
})

test('what became of a letter: the table decides, a healing alone proves nothing', () => {
  const log = toLaneRecord(aLetter(), null)
  assert.equal(letterState(log, { landed: false, passed: true, skipped: false, hasHealing: false }), 'open')
  assert.equal(letterState(log, { landed: false, passed: true, skipped: false, hasHealing: true }), 'open')
  assert.equal(letterState(log, { landed: true, passed: true, skipped: false, hasHealing: true }), 'healed')
  assert.equal(letterState(log, { landed: true, passed: true, skipped: false, hasHealing: false }), 'phantom')
  assert.equal(letterState(log, { landed: false, passed: false, skipped: false, hasHealing: false }), 'phantom')
  assert.equal(letterState(log, { landed: false, passed: true, skipped: true, hasHealing: true }), 'skipped')
  assert.equal(letterState(log, { landed: false, passed: false, skipped: true, hasHealing: false }), 'phantom')
  assert.equal(letterState(log, { landed: true, passed: true, skipped: true, hasHealing: true }), 'healed')
  const source = toLaneRecord(aLetter({ log: null, source: { source: 's', object: 'o', at: '1' } }), null)
  assert.equal(letterState(source, { landed: false, passed: false, skipped: false, hasHealing: false }), 'open')
  assert.equal(letterState(source, { landed: false, passed: false, skipped: false, hasHealing: true }), 'healed')
})
