import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compressionsAlgorithms } from '@platformatic/kafka'
import fc from 'fast-check'
import { unpackLz4 } from '../../../../src/adapters/kafka/records/lz4.ts'
import { UnpacksToMore } from '../../../../src/adapters/kafka/records/room.ts'

/** What is behind the room that was given stays as it was, however far a copy reaches. */
const BEHIND = 64
const UNTOUCHED = 0xa5

test('what the library packs is unpacked to the same bytes, whatever repeats in it', () => {
  const piece = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 40 }),
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 60 })).map(repeat),
  )
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 12 }),
      // Of nothing at all the library's packing throws, once its memory has grown; no batch is empty.
      fc.array(fc.nat(11), { minLength: 1, maxLength: 60 }),
      (pieces, order) => {
        const plain = Buffer.concat(order.map((i) => pieces[i % pieces.length]!))
        const packed = compressionsAlgorithms.lz4.compressSync(plain)
        assert.deepEqual(unpack(packed, 1 << 20), plain)
      },
    ),
  )
})

test('a frame of no blocks unpacks to nothing', () => {
  assert.equal(unpack(Buffer.from('04224d1860408200000000', 'hex'), 1 << 20).length, 0)
})

/** A literal run, and the match that follows it. */
const sequence = fc.record({
  literals: fc.oneof(fc.uint8Array({ maxLength: 16 }), fc.uint8Array({ minLength: 250, maxLength: 300 })),
  distance: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 8, max: 80 }) }, fc.integer({ min: 1, max: 8 })),
  length: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 4, max: 24 }) }, fc.integer({ min: 25, max: 600 })),
})
const blocks = fc.array(
  fc.record({ sequences: fc.array(sequence, { maxLength: 30 }), last: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
  { minLength: 1, maxLength: 3 },
)

test('sequences of every length and distance, over linked blocks, are what the format says byte by byte', () => {
  fc.assert(
    fc.property(blocks, (all) => {
      const { packed, plain } = build(all)
      assert.deepEqual(unpack(packed, 1 << 20), plain)
      // In room for exactly what there is.
      assert.deepEqual(unpack(packed, plain.length), plain)
    }),
  )
})

test('with one byte less room it is told that there is more, and nothing is written behind the room', () => {
  fc.assert(
    fc.property(blocks, (all) => {
      const { packed, plain } = build(all)
      assert.throws(() => unpack(packed, plain.length - 1), UnpacksToMore)
    }),
  )
})

test('a changed or shortened block is refused or unpacked within its room', () => {
  fc.assert(
    fc.property(blocks, fc.nat(), fc.nat(255), fc.nat(4), (all, at, byte, kind) => {
      const { packed, plain } = build(all)
      const bad = Buffer.from(kind === 0 ? packed.subarray(0, at % packed.length) : packed)
      if (kind !== 0) bad[at % bad.length] = byte
      try {
        assert.ok(unpack(bad, plain.length).length <= plain.length)
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error))
      }
    }),
    { numRuns: 500 },
  )
})

function unpack(packed: Buffer, maxBytes: number): Buffer {
  let given: Buffer | null = null
  let bytes = 0
  const roomFor = (size: number): Buffer => {
    given = Buffer.alloc(size + BEHIND, UNTOUCHED)
    bytes = size
    return given.subarray(0, size)
  }
  try {
    return unpackLz4(packed, maxBytes, roomFor)
  } finally {
    const behind = (given as Buffer | null)?.subarray(bytes) ?? Buffer.alloc(0)
    assert.ok(
      behind.every((each) => each === UNTOUCHED),
      'it wrote behind its room',
    )
  }
}

interface PlannedBlock {
  readonly sequences: readonly { readonly literals: Uint8Array; readonly distance: number; readonly length: number }[]
  readonly last: Uint8Array
}

/** A frame of these sequences (lz4_Block_format.md), and what it unpacks to, put together a byte at a time. */
function build(all: readonly PlannedBlock[]): { readonly packed: Buffer; readonly plain: Buffer } {
  const plain: number[] = []
  const frame: number[] = [0x04, 0x22, 0x4d, 0x18, 0x40, 0x70, 0]
  for (const { sequences, last } of all) {
    const block: number[] = []
    for (const { literals, distance, length } of sequences) {
      plain.push(...literals)
      if (plain.length === 0) continue
      const back = Math.min(distance, plain.length)
      for (let i = 0; i < length; i += 1) plain.push(plain[plain.length - back]!)
      block.push((Math.min(literals.length, 15) << 4) | Math.min(length - 4, 15), ...more(literals.length), ...literals)
      block.push(back & 0xff, back >> 8, ...more(length - 4))
    }
    plain.push(...last)
    block.push(Math.min(last.length, 15) << 4, ...more(last.length), ...last)
    frame.push(...int32(block.length), ...block)
  }
  return { packed: Buffer.from([...frame, ...int32(0)]), plain: Buffer.from(plain) }
}

function more(length: number): number[] {
  const bytes: number[] = []
  if (length < 15) return bytes
  let rest = length - 15
  for (; rest >= 255; rest -= 255) bytes.push(255)
  return [...bytes, rest]
}

function int32(value: number): number[] {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return [...bytes]
}

function repeat([bytes, times]: [Uint8Array, number]): Uint8Array {
  return Buffer.concat(Array.from({ length: times }, () => bytes))
}
