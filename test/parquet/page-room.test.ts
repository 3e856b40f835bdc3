import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { documentedFrame, zstdFrame } from '../../src/parquet/encode/zstd-frames.ts'
import { createParquetWriter, writeParquet, type ParquetWriter } from '../../src/parquet/write-parquet.ts'
import { batchOf } from './build-columns.ts'
import { randomTable, type RandomTable } from './random-columns.ts'

/** Bodies of pages: noise, which zstd stores, and what repeats; around the sizes at which zstd changes its ways. */
const body = fc
  .record({
    size: fc.oneof(fc.nat(300), fc.nat(200_000), fc.constantFrom(0, 1, 131_071, 131_072, 131_073, 1_048_577)),
    seed: fc.nat(),
    noisy: fc.boolean(),
  })
  .map(({ size, seed, noisy }) => {
    let state = seed | 1
    return Uint8Array.from({ length: size }, () => {
      state = Math.imul(state ^ (state >>> 15), 0x9e3779b1)
      return noisy ? state : state & 3
    })
  })

describe('zstd frames of one context', () => {
  it('unpack to what went in, whatever went before, and are as small as those of a context each', () => {
    fc.assert(
      fc.property(body, (bytes) => {
        const frame = zstdFrame(bytes)
        assert.ok(Buffer.from(bytes).equals(zstdDecompressSync(frame)))
        const documented = documentedFrame(bytes)
        assert.ok(Buffer.from(bytes).equals(zstdDecompressSync(documented)))
        assert.ok(frame.length <= documented.length + 8, `${frame.length} bytes, and ${documented.length} anew`)
      }),
      { numRuns: 60 },
    )
  })

  it('share memory with nothing', () => {
    const first = zstdFrame(new Uint8Array(5000).fill(7))
    const copy = first.slice()
    zstdFrame(new Uint8Array(9000).fill(9))
    assert.deepEqual(first, copy)
  })
})

describe('the room of pages', () => {
  it('goes from file to file, and two files that are written at once are each as they would be alone', () => {
    const tables = fc.tuple(randomTable, randomTable)
    const small = { pageBytes: 64, rowGroupRows: 7, codec: 'none' } as const
    fc.assert(
      fc.property(tables, (pair) => {
        const alone = pair.map((table) => Buffer.from(writeParquet({ ...small, ...batched(table) }).bytes))
        const writers = pair.map((table) => ({
          rest: batched(table).batches,
          writer: openWriter(table, small),
          out: [] as Uint8Array[],
        }))
        for (let going = true; going;) {
          going = false
          for (const each of writers) {
            const batch = each.rest.shift()
            if (batch === undefined) continue
            each.out.push(...each.writer.write(batch))
            going = true
          }
        }
        for (const [i, { writer, out }] of writers.entries()) {
          const { chunks } = writer.finish()
          assert.ok(Buffer.concat([...out, ...chunks]).equals(alone[i]!))
        }
      }),
      { numRuns: 60 },
    )
  })
})

function openWriter({ fields }: RandomTable, options: object): ParquetWriter {
  return createParquetWriter({ fields, ...options })
}

/** Batches of three rows. */
function batched({ fields, rows }: RandomTable) {
  const batches = []
  for (let at = 0; at < rows.length; at += 3) batches.push(batchOf(fields, rows.slice(at, at + 3)))
  return { fields, batches }
}
