import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { normalizeRanges, type OffsetRange } from '../../src/domain/offset-range.ts'
import { judgeConservation } from '../../src/operate/conservation.ts'

const one = (...offsets: number[]): OffsetRange[] =>
  offsets.map((offset) => ({ first: BigInt(offset), next: BigInt(offset + 1) }))
const whole = { first: 0n, next: 6n, landed: one(0, 1, 3), doubled: [], letters: one(2), healed: [], skips: one(4, 5) }

describe('I17: conservation', () => {
  it('holds when rows, letters and skips cover the range', () => {
    const proof = judgeConservation(whole)
    assert.equal(proof.ok, true)
    assert.deepEqual([proof.landed, proof.quarantined, proof.skipped], [3n, 1n, 2n])
  })
  it('names each missing offset', () => {
    const proof = judgeConservation({ ...whole, landed: one(1), letters: [] })
    assert.equal(proof.ok, false)
    assert.deepEqual(proof.missing, normalizeRanges(one(0, 2, 3)))
  })
  it('names each doubled offset', () => {
    const proof = judgeConservation({ ...whole, doubled: one(3) })
    assert.deepEqual([proof.ok, proof.doubled], [false, one(3)])
  })
  it('a landed row inside a skip breaks it', () => {
    const proof = judgeConservation({ ...whole, landed: one(0, 1, 3, 4) })
    assert.deepEqual([proof.ok, proof.landedInSkip], [false, one(4)])
  })
  it('a row at or after the position breaks it: the next flush would land it again', () => {
    assert.equal(judgeConservation({ ...whole, landed: one(0, 1, 3, 6) }).ok, false)
  })
  it('a letter beside a row is healed where a healing names it, else a phantom, and neither is a failure', () => {
    const proof = judgeConservation({ ...whole, letters: one(1, 2, 3), healed: one(3) })
    assert.deepEqual([proof.ok, proof.healed, proof.phantoms, proof.quarantined], [true, 1n, 1n, 1n])
  })
  it('letters at or after the position are phantoms', () => {
    const proof = judgeConservation({ ...whole, letters: one(2, 6, 9) })
    assert.deepEqual([proof.ok, proof.phantoms], [true, 2n])
  })
  it('what it counts adds up to the range for any rows, letters and skips', () => {
    const offsets = fc.uniqueArray(fc.nat(40), { maxLength: 30 }).map((list) => normalizeRanges(one(...list)))
    fc.assert(
      fc.property(offsets, offsets, offsets, fc.nat(40), (landed, letters, skips, next) => {
        const proof = judgeConservation({
          first: 0n,
          next: BigInt(next),
          landed,
          doubled: [],
          letters,
          healed: [],
          skips,
        })
        const missing = proof.missing.reduce((sum, range) => sum + range.next - range.first, 0n)
        const twice = proof.landedInSkip.reduce((sum, range) => sum + range.next - range.first, 0n)
        assert.equal(proof.landed + proof.quarantined + proof.skipped + missing - twice, BigInt(next))
      }),
    )
  })
})
