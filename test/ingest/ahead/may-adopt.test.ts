import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mayAdopt, type FlushGround, type OpenStart } from '../../../src/ingest/ahead/may-adopt.ts'
import type { PartitionPosition } from '../../../src/domain/position.ts'
import { orderContract } from '../batches.ts'

const position = fc.record<PartitionPosition>({
  next: fc.bigInt({ min: 0n, max: 1n << 40n }),
  epoch: fc.nat(3),
  source: fc.bigInt({ min: 1n, max: 1n << 62n }),
})

function startAt(at: PartitionPosition): OpenStart {
  return { kind: 'open', epoch: at.epoch, from: { ...at }, at: { ...at }, startSkip: null }
}

/** Made anew at each call, as two readings of one table would be. */
function groundOf(positions: readonly PartitionPosition[]): FlushGround {
  return {
    schema: orderContract(),
    tableFields: [{ name: 'id', type: { kind: 'string' }, nullable: true }],
    starts: new Map(positions.map((at, partition) => [partition, startAt(at)])),
  }
}

const some = fc.array(position, { minLength: 1, maxLength: 5 })

test('I3: what was read ahead on the ground that is there is taken up, whatever else may be read by now', () => {
  fc.assert(
    fc.property(some, some, (positions, others) => {
      assert.equal(mayAdopt(groundOf(positions), groundOf(positions)), true)
      assert.equal(mayAdopt(groundOf(positions), groundOf([...positions, ...others])), true)
    }),
  )
})

const startOf = (ground: FlushGround, partition: number, change: (start: OpenStart) => OpenStart): FlushGround => ({
  ...ground,
  starts: new Map(ground.starts).set(partition, change(ground.starts.get(partition)!)),
})

const CHANGES: Readonly<Record<string, (ground: FlushGround, partition: number) => FlushGround>> = {
  'another contract': (ground) => ({ ...ground, schema: { ...ground.schema, id: ground.schema.id + 1 } }),
  'other rules under the same id': (ground) => ({
    ...ground,
    schema: { ...ground.schema, text: ground.schema.text.replace('"minimum":0', '"minimum":1') },
  }),
  'no table': (ground) => ({ ...ground, tableFields: null }),
  'a new column': (ground) => ({
    ...ground,
    tableFields: [...ground.tableFields!, { name: 'more', type: { kind: 'int32' }, nullable: true }],
  }),
  'a wider column': (ground) => ({
    ...ground,
    tableFields: ground.tableFields!.map((field) => ({ ...field, type: { kind: 'int64' } as const })),
  }),
  'a partition that may not be read': (ground, partition) => ({
    ...ground,
    starts: new Map([...ground.starts].filter(([each]) => each !== partition)),
  }),
  'a table that stands elsewhere': (ground, partition) =>
    startOf(ground, partition, (start) => ({ ...start, from: { ...start.from!, next: start.from!.next + 1n } })),
  'a table without the position': (ground, partition) =>
    startOf(ground, partition, (start) => ({ ...start, from: null })),
  'a reading that begins elsewhere': (ground, partition) =>
    startOf(ground, partition, (start) => ({ ...start, at: { ...start.at, next: start.at.next + 1n } })),
  'another epoch': (ground, partition) => startOf(ground, partition, (start) => ({ ...start, epoch: start.epoch + 1 })),
  'another incarnation of the topic': (ground, partition) =>
    startOf(ground, partition, (start) => ({ ...start, at: { ...start.at, source: start.at.source! + 1n } })),
  'records that are gone': (ground, partition) =>
    startOf(ground, partition, (start) => ({
      ...start,
      startSkip: { topic: 'orders', partition, epoch: 0, first: 0n, next: 1n, reason: 'start' },
    })),
}

for (const [name, change] of Object.entries(CHANGES)) {
  test(`I3, I4: ${name}: what was read ahead is dropped`, () => {
    fc.assert(
      fc.property(some, fc.nat(), (positions, pick) => {
        const now = change(groundOf(positions), pick % positions.length)
        assert.equal(mayAdopt(groundOf(positions), now), false)
      }),
    )
  })
}
