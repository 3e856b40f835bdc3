import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSource } from '../../src/extract/run-source.ts'
import type { SourceConnector, SourceRow } from '../../src/ports/source-connector.ts'
import { SHOP, memoryLog, worldOf } from './extract-doubles.ts'

function connectorOf(rows: readonly SourceRow[]): SourceConnector {
  return {
    discover: () => Promise.resolve({ objects: [] }),
    close: () => Promise.resolve(),
    async *read(from) {
      if (from.has('done')) return
      yield await Promise.resolve({
        object: 'list',
        columns: ['id', 'n'],
        textual: false,
        rows,
        refused: [],
        progress: new Map([['done', '1']]),
      })
    },
  }
}

test('a row may bring its own bytes, a body for the frame of the topic, or no value; its values then make the key', async () => {
  const log = memoryLog(1)
  const row = { at: '1', op: 'c', values: ['a', 1n] } as const
  const rows: readonly SourceRow[] = [
    { ...row, payload: { kind: 'bytes', bytes: Uint8Array.of(9, 9) } },
    { ...row, payload: { kind: 'body', bytes: Uint8Array.of(7) } },
    { ...row, op: 'd', payload: { kind: 'tombstone' }, timestampMs: 1234 },
    row,
  ]
  const { world } = worldOf({ log, connector: () => connectorOf(rows) })
  const outcome = await runSource({ source: SHOP, world })
  assert.deepEqual([outcome.outcome, outcome.appended, outcome.refused], ['caught_up', 4, 0])
  const [records] = log.partitions
  assert.deepEqual(
    records!.map(({ key }) => Buffer.from(key!).toString()),
    ['a', 'a', 'a', 'a'],
  )
  assert.deepEqual(
    records!.slice(0, 3).map(({ value }) => (value === null ? null : [...value])),
    [[9, 9], [0, 0, 0, 0, 5, 7], null],
  )
  const now = world.clock.nowMs()
  assert.deepEqual(
    records!.map(({ timestampMs }) => timestampMs),
    [now, now, 1234, now],
  )
})
