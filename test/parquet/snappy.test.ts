import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compressors } from 'hyparquet-compressors'
import { snappyBound, snappyEncode } from '../../src/parquet/encode/snappy-encode.ts'

describe('snappy', () => {
  const back = (packed: Uint8Array, bytes: number): Uint8Array => compressors.SNAPPY!(packed, bytes)
  const holds = (bytes: Uint8Array): void => {
    const packed = snappyEncode(bytes)
    assert.ok(packed.length <= snappyBound(bytes.length))
    if (bytes.length > 0) assert.equal(Buffer.compare(back(packed, bytes.length), bytes), 0)
  }

  test('gives any bytes back through another decoder', () => {
    holds(new Uint8Array(0))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 3000 }), holds))
    // Few letters: many matches, of every length and distance.
    const word = fc.constantFrom('ab', 'abcabcab', 'q', 'xyzzy-', '\u0000'.repeat(70), 'the quick brown fox ')
    fc.assert(
      fc.property(fc.array(word, { maxLength: 600 }), fc.nat({ max: 70_000 }), (words, gap) => {
        holds(Buffer.from(words.join('') + String(gap).repeat(gap % 4000) + words.join('')))
      }),
    )
  })

  test('holds over the borders of its blocks, and makes what repeats small', () => {
    const line = Buffer.alloc(300_000, '2026-11-28,orders,EUR,shipped;')
    holds(line)
    assert.ok(snappyEncode(line).length < line.length / 15)
    const mixed = Buffer.concat([line.subarray(0, 65_530), Buffer.from('0123456789'), line.subarray(0, 65_530)])
    for (const cut of [0, 1, 2, 3, 4, 5, 6, 7, 65_535, 65_536, 65_537]) holds(mixed.subarray(cut))
  })
})
