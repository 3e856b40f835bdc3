import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { SlabRoom, Slabs } from '../../../src/ingest/decode/slab-room.ts'

const MB = 1024 * 1024
const size = fc.oneof(fc.nat(64), fc.nat(MB), fc.constantFrom(0, 1, 2 * MB, 2 * MB + 1, 3 * MB))
/** Spans that two flushes take in turn; a flush ends where it says so. */
const steps = fc.array(fc.record({ flush: fc.nat(1), size, ends: fc.boolean() }), { maxLength: 40 })

describe('room in slabs', () => {
  it('no two spans that are in use share a byte, each begins at an address for any number', () => {
    fc.assert(
      fc.property(steps, (plan) => {
        const slabs = new Slabs(16 * MB)
        const rooms = [new SlabRoom(slabs), new SlabRoom(slabs)]
        const used: Uint8Array[][] = [[], []]
        for (const { flush, size: bytes, ends } of plan) {
          if (ends) {
            rooms[flush]!.release()
            used[flush] = []
          }
          const span = rooms[flush]!.span(bytes)
          assert.equal(span.length, bytes)
          assert.equal(span.byteOffset % 8, 0)
          for (const other of used.flat()) assert.ok(!overlap(span, other))
          used[flush]!.push(span)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('a slab that was let go of is taken again', () => {
    const slabs = new Slabs(16 * MB)
    const first = new SlabRoom(slabs)
    const { buffer } = first.span(100)
    first.release()
    assert.equal(new SlabRoom(slabs).span(100).buffer, buffer)
  })

  it('of slabs that nobody uses, no more is kept than was said', () => {
    const slabs = new Slabs(16 * MB)
    const room = new SlabRoom(slabs)
    const before = new Set(Array.from({ length: 40 }, () => room.span(MB).buffer))
    assert.equal(before.size, 5)
    room.release()
    const next = new SlabRoom(slabs)
    const after = new Set(Array.from({ length: 40 }, () => next.span(MB).buffer))
    assert.equal([...after].filter((slab) => before.has(slab)).length, 2)
  })
})

function overlap(a: Uint8Array, b: Uint8Array): boolean {
  if (a.buffer !== b.buffer || a.length === 0 || b.length === 0) return false
  return a.byteOffset < b.byteOffset + b.length && b.byteOffset < a.byteOffset + a.length
}
