import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { batchBytes, type ColumnBatch } from '../../../src/domain/column-batch.ts'
import type { PackedRecords } from '../../../src/domain/packed-records.ts'
import { HeldRows, type HeldPart } from '../../../src/ingest/decode/held-rows.ts'
import { decideFlush } from '../../../src/ingest/flush-policy.ts'

function rows(length: number): ColumnBatch {
  const type = { kind: 'int64' } as const
  return {
    length,
    fields: [{ name: 'n', type, nullable: true }],
    columns: [{ type, length, validity: null, values: { layout: 'int64', data: new BigInt64Array(length) } }],
  }
}

interface Facts {
  readonly rows: number
  readonly letters: number
  readonly letterBytes: number
  readonly partition: number
}

const part = ({ rows: length, letters, letterBytes }: Facts): HeldPart => ({
  rows: rows(length),
  lettersCount: letters,
  lines: letters === 0 ? [] : [new Uint8Array(letters * letterBytes)],
  copies: letters === 0 ? [] : [packed(letters * letterBytes)],
  lettersBytes: 0,
})
const packed = (bytes: number): PackedRecords => ({
  bytes: new Uint8Array(bytes),
  lengths: new Int32Array(3),
  timestampsMs: new Float64Array(1),
})
/** As lines and as copies, and 20 bytes for the lengths and the time of the one packed record. */
const bytesOfLetters = ({ letters, letterBytes }: Facts): number => (letters === 0 ? 0 : 2 * letters * letterBytes + 20)
const arbitrary = fc.record({
  rows: fc.nat(2_000),
  letters: fc.nat(20),
  letterBytes: fc.nat(500),
  partition: fc.nat(2),
})

describe('HeldRows', () => {
  it('I12: counts the bytes of columns and of letters, and what is dropped no more', () => {
    fc.assert(
      fc.property(fc.array(arbitrary, { maxLength: 12 }), fc.nat(2), (all, gone) => {
        const held = new HeldRows()
        for (const each of all) held.add({ topic: 'orders', partition: each.partition }, part(each))
        held.drop({ topic: 'orders', partition: gone })
        const left = all.filter(({ partition }) => partition !== gone)
        const bytes = left.reduce((sum, each) => sum + batchBytes(rows(each.rows)) + bytesOfLetters(each), 0)
        assert.equal(held.heldBytes, bytes)
        assert.equal(
          held.landed,
          left.reduce((sum, each) => sum + each.rows, 0),
        )
        assert.equal(
          held.lettersCount,
          left.reduce((sum, each) => sum + each.letters, 0),
        )
        assert.equal([...held.parts()].length, left.length)
      }),
    )
  })

  it('I12: asked after every batch, the policy never lets more be held than its bound and one batch', () => {
    fc.assert(
      fc.property(
        fc.array(arbitrary, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 3, max: 100_000 }),
        (parts, flushBytes, memoryLimitBytes) => {
          const limits = { flushBytes, memoryLimitBytes, flushAgeMs: 1_000_000 }
          let held = new HeldRows()
          for (const each of parts) {
            const alone = new HeldRows()
            alone.add({ topic: 'orders', partition: 0 }, part(each))
            held.add({ topic: 'orders', partition: 0 }, part(each))
            assert.ok(held.heldBytes <= Math.min(flushBytes, memoryLimitBytes / 3) + alone.heldBytes)
            const { heldBytes, landed } = held
            const state = { heldBytes, heldRecords: landed + held.lettersCount, ageMs: 0, ended: false }
            if (decideFlush(state, limits) === 'flush') held = new HeldRows()
          }
        },
      ),
      { numRuns: 50 },
    )
  })
})
