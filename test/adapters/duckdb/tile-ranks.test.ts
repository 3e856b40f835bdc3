import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tileRanks, type Tiling } from '../../../src/adapters/duckdb/rewrite/tile-ranks.ts'
import { seededRandom } from '../../support/random.ts'

const RANKS = 1024

function tileOf({ levels }: Tiling, ranks: readonly number[]): number {
  return ranks.reduce((above, rank, at) => levels[at]![above * RANKS + rank]!, 0)
}

/** Sampled rows by column, and for each tile how many of them it has. */
function tiled(rows: readonly (readonly number[])[], files: number) {
  const columns = rows[0]!.map((_, at) => rows.map((row) => row[at]!))
  const tiling = tileRanks({ ranks: columns, rankCount: RANKS, files })
  const counts = Array.from({ length: tiling.tiles }, () => 0)
  for (const row of rows) counts[tileOf(tiling, row)]! += 1
  return { tiling, counts }
}

test('of even ranks the tiles are a grid: a value of a column is in as many of them as the root of all', () => {
  const random = seededRandom(1)
  const rows = Array.from({ length: 50_000 }, () => [Math.floor(random() * RANKS), Math.floor(random() * RANKS)])
  const { tiling, counts } = tiled(rows, 144)
  assert.equal(counts.length, 144)
  for (const count of counts) assert.ok(count > 200 && count < 500, `${count} of 50,000 rows`)
  for (let rank = 0; rank < RANKS; rank += 37) {
    const others = Array.from({ length: RANKS }, (_, other) => other)
    assert.equal(new Set(others.map((other) => tileOf(tiling, [rank, other]))).size, 12)
    const second = new Set(others.map((other) => tileOf(tiling, [other, rank])))
    assert.equal(second.size, 12)
  }
})

test('columns that go together still make even tiles, and a value that many rows have is cut by the others', () => {
  const random = seededRandom(2)
  const diagonal = Array.from({ length: 20_000 }, () => {
    const rank = Math.floor(random() * RANKS)
    return [rank, Math.min(RANKS - 1, rank + Math.floor(random() * 5))]
  })
  const even = tiled(diagonal, 64).counts
  assert.ok(
    even.length > 50 && Math.max(...even) < (20_000 / 64) * 2,
    `${even.length} tiles, ${Math.max(...even)} rows`,
  )
  const heavy = Array.from({ length: 20_000 }, () => [
    random() < 0.6 ? 500 : Math.floor(random() * RANKS),
    Math.floor(random() * RANKS),
  ])
  const cut = tiled(heavy, 64).counts
  assert.ok(cut.length > 50 && Math.max(...cut) < (20_000 / 64) * 2, `${cut.length} tiles, ${Math.max(...cut)} rows`)
})

test('every rank has a tile, sampled or not; a greater one of the first column is never in a strip before', () => {
  const somewhere = fc.integer({ min: 0, max: RANKS - 1 })
  const request = fc.record({
    rows: fc.array(fc.array(somewhere, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 60 }),
    files: fc.integer({ min: 1, max: 40 }),
    asked: fc.array(fc.array(somewhere, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 20 }),
  })
  fc.assert(
    fc.property(request, ({ rows, files, asked }) => {
      const { tiling, counts } = tiled(rows, files)
      assert.ok(
        counts.every((count) => count > 0),
        'no tile is empty',
      )
      for (const row of asked) {
        const tile = tileOf(tiling, row)
        assert.ok(Number.isInteger(tile) && tile >= 0 && tile < tiling.tiles)
      }
      const strips = asked
        .map(([first]) => first!)
        .sort((a, b) => a - b)
        .map((first) => tiling.levels[0]![first]!)
      assert.deepEqual(
        strips,
        strips.toSorted((a, b) => a - b),
      )
    }),
  )
  assert.equal(tileRanks({ ranks: [[], []], rankCount: RANKS, files: 9 }).tiles, 1)
})
