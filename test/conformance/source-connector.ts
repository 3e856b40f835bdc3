import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { SourceBatch, SourceConnector } from '../../src/ports/source-connector.ts'

/** A source with rows, some of them refused, over several batches. */
export interface SourceSubject {
  /** A connector over the same source each time. */
  open(): SourceConnector | Promise<SourceConnector>
  close(): Promise<void>
}

export interface SourceExpectation {
  /** Objects in the order in which they are read, with the places of their rows and refusals. */
  readonly places: readonly {
    readonly object: string
    readonly rows: readonly string[]
    readonly refused: readonly string[]
  }[]
}

/** The promises of `ports/source-connector`, for any connector. */
export function testSourceConnector(
  name: string,
  open: () => Promise<SourceSubject>,
  { places }: SourceExpectation,
): void {
  const promise = (what: string, body: (subject: SourceSubject) => Promise<void>): void => {
    test(`${name}: ${what}`, async () => {
      const subject = await open()
      try {
        await body(subject)
      } finally {
        await subject.close()
      }
    })
  }

  promise('every row comes once, in order, or is refused with its place', async (subject) => {
    const { batches } = await readAll(await subject.open(), new Map())
    assert.deepEqual(placesOf(batches), places)
  })

  promise('rows have a value a column, and each batch names its columns', async (subject) => {
    const { batches } = await readAll(await subject.open(), new Map())
    for (const { rows, columns } of batches) {
      assert.equal(new Set(columns).size, columns.length)
      for (const row of rows) assert.equal(row.values.length, columns.length)
    }
  })

  promise('from the state that the last batch left there is nothing more', async (subject) => {
    const { state } = await readAll(await subject.open(), new Map())
    const again = await readAll(await subject.open(), state)
    assert.deepEqual(again.batches, [])
  })

  promise('a restart after any batch goes on behind it and repeats nothing', async (subject) => {
    const whole = await readAll(await subject.open(), new Map())
    for (let stopped = 0; stopped < whole.batches.length; stopped += 1) {
      const before = whole.batches.slice(0, stopped)
      const state = new Map<string, string>()
      for (const batch of before) apply(state, batch)
      const after = await readAll(await subject.open(), state)
      assert.deepEqual(placesOf([...before, ...after.batches]), places, `stopped after batch ${stopped}`)
      assert.deepEqual((await readAll(await subject.open(), after.state)).batches, [])
    }
  })

  promise('a reader may leave early, and an ended signal ends the reading', async (subject) => {
    const connector = await subject.open()
    for await (const _ of connector.read(new Map())) break
    const ended = new AbortController()
    ended.abort()
    const batches: SourceBatch[] = []
    for await (const batch of connector.read(new Map(), { signal: ended.signal })) batches.push(batch)
    assert.deepEqual(batches, [])
    await connector.close()
  })

  promise('discover names every object with its columns', async (subject) => {
    const connector = await subject.open()
    const { objects } = await connector.discover()
    assert.deepEqual(
      objects.map((each) => each.name),
      places.map((each) => each.object),
    )
    const { batches } = await readAll(connector, new Map())
    for (const { object, columns } of batches) {
      const described = objects.find((each) => each.name === object)!.columns
      for (const column of columns)
        assert.ok(
          described.some(({ name }) => name === column),
          `${object} has ${column}`,
        )
    }
  })
}

async function readAll(
  connector: SourceConnector,
  from: ReadonlyMap<string, string>,
): Promise<{ batches: SourceBatch[]; state: Map<string, string> }> {
  const batches: SourceBatch[] = []
  const state = new Map(from)
  for await (const batch of connector.read(from)) {
    batches.push(batch)
    apply(state, batch)
  }
  await connector.close()
  return { batches, state }
}

function apply(state: Map<string, string>, batch: SourceBatch): void {
  for (const [key, value] of batch.progress) {
    if (value === null) state.delete(key)
    else state.set(key, value)
  }
}

function placesOf(batches: readonly SourceBatch[]): SourceExpectation['places'] {
  const places: { object: string; rows: string[]; refused: string[] }[] = []
  for (const { object, rows, refused } of batches) {
    let last = places.at(-1)
    if (last?.object !== object) {
      last = { object, rows: [], refused: [] }
      places.push(last)
    }
    last.rows.push(...rows.map((row) => row.at))
    last.refused.push(...refused.map((each) => each.at))
  }
  return places
}
