import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { laneHeadersReader } from '../../../src/ingest/rows/record-headers.ts'
import { placedBatch } from '../batches.ts'

const PLAIN = { source: 'kafka', op: 'c', batchId: null }
const UUID = '0f4fd39a-97a6-4f0b-9a6a-6f4b0b6a1c2d'
const header = (key: string, value: string) => ({ key, value: Buffer.from(value) })
const read = (...headers: { key: string; value: Uint8Array }[]) =>
  laneHeadersReader(placedBatch([{ value: null, headers }]))(0)

describe('laneHeadersReader', () => {
  it('without headers a record came from kafka and is a c', () => {
    assert.deepEqual(read(), PLAIN)
    assert.deepEqual(read(header('traceparent', 'x')), PLAIN)
  })

  it('reads source, op and batch id', () => {
    assert.deepEqual(
      read(header('sluice.source', 'redshift'), header('sluice.op', 'u'), header('sluice.batch_id', UUID)),
      { source: 'redshift', op: 'u', batchId: UUID },
    )
    for (const op of ['c', 'u', 'd', 'r']) assert.equal(read(header('sluice.op', op)).op, op)
  })

  it('values of no known form count as absent', () => {
    for (const bad of [
      header('sluice.source', 'No Such'),
      header('sluice.source', ''),
      header('sluice.source', 'x'.repeat(65)),
      header('sluice.op', 'x'),
      header('sluice.op', ''),
      header('sluice.batch_id', '1'),
      header('sluice.batch_id', UUID.toUpperCase()),
      header('sluice.other', 'u'),
    ])
      assert.deepEqual(read(bad), PLAIN)
  })

  it('bytes that are no headers count as none, and do not touch the next record', () => {
    const batch = placedBatch([
      { value: null, headers: [header('sluice.op', 'u')] },
      { value: null, headerBytes: Buffer.from([4, 2, 65]) },
      { value: null, headers: [header('sluice.op', 'u')] },
      { value: null },
    ])
    const headersOf = laneHeadersReader(batch)
    assert.deepEqual(
      [0, 1, 2, 3].map((i) => headersOf(i).op),
      ['u', 'c', 'u', 'c'],
    )
  })

  it('what is remembered of neighbours never changes what is read, in whatever order', () => {
    const one = fc.option(fc.constantFrom('c', 'u', 'd', 'r', 'x'), { nil: null })
    fc.assert(
      fc.property(
        fc.array(one, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (ops, picks) => {
          const batch = placedBatch(
            ops.map((op) => ({ value: null, headers: op === null ? [] : [header('sluice.op', op)] })),
          )
          const headersOf = laneHeadersReader(batch)
          for (const pick of picks) {
            const index = pick % ops.length
            assert.deepEqual(headersOf(index), laneHeadersReader(batch)(index))
          }
        },
      ),
    )
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        (headerBytes) => void laneHeadersReader(placedBatch([{ value: null, headerBytes }]))(0),
      ),
    )
  })
})
