import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { COLUMNS } from '../../../connectors/simulator/columns.ts'
import { FAULTS } from '../../../connectors/simulator/faults.ts'
import { STREAMS } from '../../../connectors/simulator/shop/shop-event.ts'
import type { Stream } from '../../../connectors/simulator/shop/shop-event.ts'
import { createSimulatorConnector } from '../../../connectors/simulator/simulator-connector.ts'
import { readSimulatorOptions } from '../../../connectors/simulator/simulator-options.ts'
import { brokenAfter, knownAfter, standsAfter } from '../../../connectors/simulator/truth.ts'
import { createEncoder } from '../../../src/contract/encode.ts'
import { createJudge } from '../../../src/contract/judge.ts'
import { frameRecord } from '../../../src/contract/wire.ts'
import type { RegisteredSchema } from '../../../src/ports/schema-registry.ts'
import type { SourceBatch, SourceRow } from '../../../src/ports/source-connector.ts'
import { batchOf } from '../../contract/judged.ts'

const ROWS = 2100

function optionsOf(stream: Stream, over: object = {}) {
  return { stream, seed: 7, rows: ROWS, bad_rate: 0.2, late_rate: 0.1, duplicate_rate: 0.1, ...over }
}

async function readDay(stream: Stream, from: ReadonlyMap<string, string>, over: object = {}): Promise<SourceBatch[]> {
  const connector = createSimulatorConnector({ name: stream, options: optionsOf(stream, over) })
  const batches: SourceBatch[] = []
  for await (const batch of connector.read(from)) batches.push(batch)
  await connector.close()
  return batches
}

function stateAfter(batches: readonly SourceBatch[], from: ReadonlyMap<string, string> = new Map()) {
  const state = new Map(from)
  for (const { progress } of batches) {
    for (const [name, value] of progress) {
      if (value === null) state.delete(name)
      else state.set(name, value)
    }
  }
  return state
}

const rowsOf = (batches: readonly SourceBatch[]): SourceRow[] => batches.flatMap(({ rows }) => [...rows])

test('a run hands out one day, the same one from the same state, and a restart goes on behind what was passed', async () => {
  for (const stream of STREAMS) {
    const first = await readDay(stream, new Map())
    const state = stateAfter(first)
    assert.deepEqual([...state], [['days', '1']])
    assert.deepEqual(await readDay(stream, new Map()), first)
    for (let stopped = 1; stopped < first.length; stopped += 1) {
      const before = first.slice(0, stopped)
      const rest = await readDay(stream, stateAfter(before))
      assert.deepEqual([...before, ...rest], first)
    }
    const second = await readDay(stream, state)
    assert.deepEqual([...stateAfter(second, state)], [['days', '2']])
    assert.notDeepEqual(rowsOf(second), rowsOf(first))
  }
})

test('every row has a place of its own and a value a column', async () => {
  for (const stream of STREAMS) {
    const places = new Set<string>()
    let state = new Map<string, string>()
    for (let day = 0; day < 4; day += 1) {
      const batches = await readDay(stream, state, { rows: 200 })
      state = stateAfter(batches, state)
      for (const row of rowsOf(batches)) {
        assert.equal(row.values.length, COLUMNS[stream].length)
        assert.ok(!places.has(row.at), row.at)
        places.add(row.at)
      }
    }
  }
})

test('an ended signal ends the day; it is handed out later', async () => {
  const ended = new AbortController()
  ended.abort()
  const connector = createSimulatorConnector({ name: 'orders', options: optionsOf('orders') })
  for await (const _ of connector.read(new Map(), { signal: ended.signal })) assert.fail('a batch came')
})

test('streams agree: an order has its customer, its product and a price in the currency of the country', () => {
  const { facts } = readSimulatorOptions('orders', optionsOf('orders', { rows: 300 }))
  const customers = knownAfter('customers', facts, 20)
  const products = knownAfter('products', facts, 20)
  for (const line of standsAfter('orders', facts, 12).values()) {
    const at = String(line['ordered_at'])
    const before = (customers.get(String(line['customer_id'])) ?? []).filter(
      (event) => String(event.row['updated_at']) <= at,
    )
    assert.ok(before.length > 0 && before.at(-1)!.op !== 'd', `${String(line['customer_id'])} at ${at}`)
    assert.ok((products.get(String(line['product_id'])) ?? []).length > 0)
  }
})

test('what makes a shop worth looking at is in it: moves, deletions, tombstones, returns, late and repeated rows', () => {
  const { facts } = readSimulatorOptions('customers', optionsOf('customers'))
  const customers = [...knownAfter('customers', facts, 15).values()]
  const cities = customers.filter((events) => new Set(events.map(({ row }) => row['city'])).size > 1)
  const all = customers.flat()
  assert.ok(cities.length > 10)
  assert.ok(all.some((event) => event.isTombstone) && all.some(({ op, isTombstone }) => op === 'd' && !isTombstone))
  assert.ok(customers.some((events) => events.some(({ op }, i) => op === 'd' && i < events.length - 1)))
  assert.ok(all.some((event) => event.repeatedDay !== null))
  const lines = [...knownAfter('orders', { ...facts, rows: 300 }, 15).values()]
  const statuses = new Set(lines.flat().map(({ row }) => String(row['status'])))
  assert.deepEqual([...statuses].toSorted(), ['cancelled', 'delivered', 'placed', 'returned', 'shipped'])
  assert.ok(lines.some((events) => new Set(events.map(({ row }) => row['quantity'])).size > 1))
})

test('customers are renamed and get other addresses, products change price and name, rates are of working days and corrected', () => {
  const { facts } = readSimulatorOptions('customers', optionsOf('customers', { rows: 600 }))
  const changes = (stream: Stream, column: string): number =>
    [...knownAfter(stream, facts, 20).values()].filter(
      (events) => new Set(events.map(({ row }) => row[column])).size > 1,
    ).length
  for (const column of ['city', 'name', 'email']) assert.ok(changes('customers', column) > 3, column)
  for (const column of ['price', 'name']) assert.ok(changes('products', column) > 1, column)
  assert.ok(changes('orders', 'status') > 100 && changes('orders', 'quantity') > 10)
  const rates = [...knownAfter('fx_rates', facts, 20).values()]
  const weekdays = new Set(rates.map(([first]) => new Date(String(first!.row['rate_date'])).getUTCDay()))
  // a currency's first rate is there whatever its day
  assert.ok([1, 2, 3, 4, 5].every((day) => weekdays.has(day)))
  assert.ok(rates.length < 4 * 20 * 0.9, `${rates.length} rates in twenty days`)
  assert.ok(
    rates.some((events) => events.length > 1),
    'a rate was corrected',
  )
  const events = [...standsAfter('behavior', facts, 3).values()]
  const types = new Set(events.map((row) => String(row['event_type'])))
  assert.deepEqual([...types].toSorted(), ['add_to_cart', 'checkout', 'page_view', 'search'])
})

test('rows come late, twice and in no order of time, as often as the rates say', async () => {
  const { facts } = readSimulatorOptions('orders', optionsOf('orders'))
  let state = new Map<string, string>()
  const counts = { rows: 0, late: 0, again: 0, earlier: 0 }
  const changedAt = COLUMNS.orders.indexOf('updated_at')
  for (let day = 0; day < 6; day += 1) {
    const batches = await readDay('orders', state, { bad_rate: 0 })
    state = stateAfter(batches, state)
    let before = -Infinity
    for (const { at, values, timestampMs } of rowsOf(batches)) {
      const timeMs = timestampMs ?? Date.parse(values[changedAt] as string)
      counts.rows += 1
      if (at.endsWith(' again')) counts.again += 1
      else if (timeMs < facts.startMs + day * 86_400_000) counts.late += 1
      if (timeMs < before) counts.earlier += 1
      before = timeMs
    }
  }
  for (const kind of ['late', 'again'] as const) {
    const share = counts[kind] / counts.rows
    assert.ok(share > 0.05 && share < 0.13, `${kind}: ${share}`)
  }
  assert.ok(counts.earlier > counts.rows / 3, 'as in a shuffled list')
})

test('a deletion is told as one: with the row that went, or as a tombstone', async () => {
  let state = new Map<string, string>()
  const seen = new Set<string>()
  for (let day = 0; day < 12; day += 1) {
    const batches = await readDay('orders', state, { rows: 300 })
    state = stateAfter(batches, state)
    for (const { op, payload, timestampMs } of rowsOf(batches)) {
      assert.equal(payload?.kind === 'tombstone' && (op !== 'd' || timestampMs === undefined), false)
      seen.add(`${op} ${payload?.kind ?? 'row'}`)
    }
  }
  for (const kind of ['c row', 'u row', 'd row', 'd tombstone']) assert.ok(seen.has(kind), kind)
})

test('the same seed is the same shop, another one is another', async () => {
  const texts = async (seed: number): Promise<string> => {
    const days = await Promise.all(STREAMS.map((stream) => readDay(stream, new Map(), { seed, rows: 50 })))
    return JSON.stringify(days.map((batches) => rowsOf(batches).map(({ values }) => values)))
  }
  assert.equal(await texts(3), await texts(3))
  assert.notEqual(await texts(3), await texts(4))
})

test('every kind of breach that a contract of the shop can find is among the broken rows, and none breaks two', () => {
  const found = new Set(Object.values(FAULTS).flatMap((faults) => faults.map(({ code }) => code)))
  // bounds of ingest, lines of files, and what a gate finds are no matter of a contract
  const others = new Set(['TOO_LARGE', 'BATCH_TOO_LARGE', 'SOURCE_LINE', 'GATE'])
  const text = readFileSync(join(import.meta.dirname, '../../../src/domain/dead-letter.ts'), 'utf8')
  const codes = [...text.matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(([, code]) => code!)
  assert.deepEqual(codes.filter((code) => !others.has(code)).toSorted(), [...found].toSorted())
})

function schemaOf(stream: Stream): RegisteredSchema {
  const folder = join(import.meta.dirname, '../../../schemas')
  const isJson = stream === 'behavior'
  const text = readFileSync(join(folder, `${stream}-value.${isJson ? 'schema.json' : 'avsc'}`), 'utf8')
  return { subject: `${stream}-value`, version: 1, id: 9, format: isJson ? 'json' : 'avro', text }
}

test('good rows keep the contract, and each broken one breaks exactly the rule that the truth names', async () => {
  for (const stream of STREAMS) {
    const schema = schemaOf(stream)
    const encoder = createEncoder(schema)
    const rows: SourceRow[] = []
    let state = new Map<string, string>()
    const over = { rows: 600, bad_rate: 1 }
    for (let day = 0; day < 8; day += 1) {
      const batches = await readDay(stream, state, over)
      state = stateAfter(batches, state)
      rows.push(...rowsOf(batches))
    }
    const broken = new Map(
      brokenAfter(readSimulatorOptions(stream, optionsOf(stream, over)), 8).map(({ at, fault }) => [at, fault]),
    )
    const travelling: { row: SourceRow; value: Uint8Array }[] = []
    for (const row of rows) {
      if (row.payload?.kind === 'tombstone') continue
      if (row.payload !== undefined) {
        const { kind, bytes } = row.payload
        travelling.push({ row, value: kind === 'body' ? frameRecord(schema.id, bytes) : bytes })
        continue
      }
      const encoded = encoder.encode(COLUMNS[stream], row.values, false)
      const fault = broken.get(row.at)
      if (encoded.kind === 'encoded') travelling.push({ row, value: encoded.bytes })
      else
        assert.deepEqual(
          encoded.errors.map(({ code, field }) => [code, field]),
          [[fault?.code, fault?.field]],
          row.at,
        )
      assert.equal(encoded.kind === 'refused', fault?.stage === 'connect', row.at)
    }
    const judge = createJudge({ schema, mode: stream === 'behavior' ? 'reject' : 'rescue', keyColumns: [] })
    const { refusals, rows: passed } = judge.judge(batchOf(travelling), new Map([[schema.id, schema]]))
    for (const index of passed) assert.equal(broken.has(travelling[index]!.row.at), false)
    const seen = new Set<string>()
    for (const { index, errors } of refusals) {
      const { at } = travelling[index]!.row
      const fault = broken.get(at)
      assert.deepEqual(
        errors.map(({ code, field }) => [code, field]),
        [[fault?.code, fault?.field]],
        at,
      )
      seen.add(fault!.kind)
    }
    const wanted = FAULTS[stream].filter(({ stage }) => stage === 'contract').map(({ kind }) => kind)
    if (stream !== 'fx_rates') assert.deepEqual([...seen].toSorted(), [...new Set(wanted)].toSorted(), stream)
  }
})
