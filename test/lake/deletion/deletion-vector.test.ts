import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { SluiceError } from '../../../src/domain/errors.ts'
import { holdsRow, rowsOfSet } from '../../../src/domain/row-set.ts'
import { decodeBase85 } from '../../../src/lake/deletion/base85.ts'
import { vectorId, vectorPath } from '../../../src/lake/deletion/deletion-vector.ts'
import type { DeletionVector } from '../../../src/lake/deletion/deletion-vector.ts'
import { readDeletedRows } from '../../../src/lake/deletion/read-deleted.ts'
import { decodeRows, MalformedVector } from '../../../src/lake/deletion/roaring-rows.ts'
import { MemoryStore } from '../../conformance/memory-store.ts'
import { base85, containersOf, vectorBytes, vectorFile } from './vector-bytes.ts'

/** The examples of PROTOCOL, "Deletion Vectors". */
const INLINE: DeletionVector = {
  storageType: 'i',
  pathOrInlineDv: 'wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L',
  offset: null,
  sizeInBytes: 40,
  cardinality: 6,
}
const PATH = 'deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin'
const ON_DISK: DeletionVector = { ...INLINE, storageType: 'u', pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^', offset: 4 }

test('the rows of an inline vector are those that the protocol names for its example', async () => {
  const rows = await readDeletedRows(new MemoryStore(), { path: 'a', rows: 30, vector: INLINE })
  assert.deepEqual([...rowsOfSet(rows)], [3, 4, 7, 11, 18, 29])
  assert.deepEqual(
    [2, 3, 29, 30, 100].map((row) => holdsRow(rows, row)),
    [false, true, true, false, false],
  )
})

test('the same rows are read from the portable form, and from the native one in either order of bytes', async () => {
  const portable = {
    ...INLINE,
    pathOrInlineDv: '^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L',
    sizeInBytes: 44,
  }
  const rows = await readDeletedRows(new MemoryStore(), { path: 'a', rows: 30, vector: portable })
  assert.deepEqual([...rowsOfSet(rows)], [3, 4, 7, 11, 18, 29])
  const native = Buffer.from(decodeBase85(INLINE.pathOrInlineDv)!)
  for (const at of [0, 4, 8]) native.subarray(at, at + 4).reverse()
  assert.deepEqual([...rowsOfSet(decodeRows(native, { cardinality: 6, rows: 30 }))], [3, 4, 7, 11, 18, 29])
  assert.throws(() => decodeRows(native.subarray(0, 39), { cardinality: 6, rows: 30 }), MalformedVector)
})

test('a vector on disk lies where the protocol says, below its prefix', () => {
  assert.equal(vectorPath(ON_DISK, 's3://mytable'), `ab/${PATH}`)
  assert.equal(vectorPath({ ...ON_DISK, pathOrInlineDv: '^-aqEH.-t@S}K{vb[*k^' }, 's3://mytable'), PATH)
  assert.equal(vectorPath(INLINE, 's3://mytable'), null)
})

test('a vector by its whole path is found in its table, whatever the form of the URI, and nowhere else', () => {
  const at = (pathOrInlineDv: string, root: string): string | null =>
    vectorPath({ ...ON_DISK, storageType: 'p', pathOrInlineDv }, root)
  assert.equal(at(`s3a://bucket/t/x/${PATH}`, 's3://bucket/t'), `x/${PATH}`)
  assert.equal(at(`file:///lake/t%20a/${PATH}`, '/lake/t a'), PATH)
  assert.equal(at(`file:/lake/t/${PATH}`, '/lake/t/'), PATH)
  for (const outside of [`s3://bucket/t2/${PATH}`, `s3://bucket/t/../u/${PATH}`, `/elsewhere/${PATH}`]) {
    assert.throws(() => at(outside, 's3://bucket/t'), { code: 'TABLE_UNSUPPORTED', message: /outside its table/ })
  }
})

test('names that lead out of the table, and storage types of the future, are refused', () => {
  const uri = 's3://t'
  assert.throws(() => vectorPath({ ...ON_DISK, pathOrInlineDv: `../${ON_DISK.pathOrInlineDv.slice(2)}` }, uri), {
    code: 'TABLE_FILES_MISSING',
  })
  assert.throws(() => vectorPath({ ...ON_DISK, pathOrInlineDv: 'short' }, uri), { code: 'TABLE_FILES_MISSING' })
  assert.throws(() => vectorPath({ ...ON_DISK, storageType: 'z' }, uri), {
    code: 'TABLE_UNSUPPORTED',
    message: /storage type "z"/,
  })
})

test('a vector is told apart by storage, place and offset', () => {
  assert.equal(vectorId(INLINE), `i${INLINE.pathOrInlineDv}`)
  assert.equal(vectorId(ON_DISK), `u${ON_DISK.pathOrInlineDv}@4`)
})

test('base 85 gives back any bytes, and refuses what is no such text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      assert.deepEqual(decodeBase85(base85(bytes))!.subarray(0, bytes.length), bytes)
    }),
  )
  assert.equal(decodeBase85('abcd'), null)
  assert.equal(decodeBase85('abcd"'), null)
  assert.equal(decodeBase85('#####'), null)
})

const rowSets = fc
  .array(
    fc.record({
      container: fc.integer({ min: 0, max: 9 }),
      first: fc.integer({ min: 0, max: 65_535 }),
      length: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 4000, max: 9000 })),
      every: fc.integer({ min: 1, max: 3 }),
    }),
    { maxLength: 8 },
  )
  .map((spans) => {
    const rows = new Set<number>()
    for (const { container, first, length, every } of spans) {
      for (let row = first; row < Math.min(first + length, 65_536); row += every) rows.add(container * 65_536 + row)
    }
    return [...rows].sort((a, b) => a - b)
  })

test('every kind of container gives back the rows that were put in', () => {
  fc.assert(
    fc.property(rowSets, fc.integer({ min: 0, max: 3 }), (rows, runsEvery) => {
      const containers = containersOf(rows, (key) => (runsEvery > 0 && key % runsEvery === 0 ? 'runs' : 'plain'))
      if (containers.length === 0) return
      const set = decodeRows(vectorBytes(containers), { cardinality: rows.length, rows: 10 * 65_536 })
      assert.deepEqual([...rowsOfSet(set)], rows)
      assert.equal(set.size, rows.length)
      for (const row of rows.slice(0, 50)) assert.ok(holdsRow(set, row) && !holdsRow(set, row + 10 * 65_536))
    }),
    { numRuns: 60 },
  )
})

test('a vector on disk is read from among others of its file, at its offset', async () => {
  const store = new MemoryStore()
  const rows = [[1, 5, 9], [0], Array.from({ length: 5000 }, (_, n) => n * 2)]
  const vectors = rows.map((each) => vectorBytes(containersOf(each, () => 'plain')))
  const { bytes, offsets } = vectorFile(vectors)
  await store.put(`ab/${PATH}`, bytes)
  for (const [n, each] of rows.entries()) {
    const vector = { ...ON_DISK, offset: offsets[n]!, sizeInBytes: vectors[n]!.length, cardinality: each.length }
    const found = await readDeletedRows(store, { path: 'a', rows: 10_000, vector })
    assert.deepEqual([...rowsOfSet(found)], each)
  }
})

test('a vector that is gone, cut off, changed or not what the log states stops the reader by name', async () => {
  const data = vectorBytes(containersOf([1, 2, 3, 40], () => 'plain'))
  const { bytes } = vectorFile([data])
  const vector = { ...ON_DISK, offset: 1, sizeInBytes: data.length, cardinality: 4 }
  const read = async (file: Uint8Array | null, over: Partial<DeletionVector> = {}, rows: number | null = 50) => {
    const store = new MemoryStore()
    if (file !== null) await store.put(`ab/${PATH}`, file)
    return readDeletedRows(store, { path: 'part-1', rows, vector: { ...vector, ...over } })
  }
  assert.equal((await read(bytes)).size, 4)
  const stops = (message: RegExp) => ({ code: 'TABLE_FILES_MISSING', message })
  await assert.rejects(read(null), stops(/is not there/))
  await assert.rejects(read(bytes.subarray(0, -1)), stops(/ends within/))
  await assert.rejects(read(bytes, { sizeInBytes: data.length - 1 }), stops(/states \d+ bytes/))
  await assert.rejects(read(bytes, { cardinality: 3 }), stops(/more rows than the 3 stated/))
  await assert.rejects(read(bytes, { cardinality: 5 }), stops(/holds 4 rows, not 5/))
  await assert.rejects(read(bytes, {}, 40), stops(/names row 40, and its file has 40/))
  for (let at = 5; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes)
    changed[at]! ^= 1
    await assert.rejects(read(changed), stops(/checksum/))
  }
  await assert.rejects(read(bytes, { sizeInBytes: 2 ** 30 }), {
    code: 'TABLE_UNSUPPORTED',
    message: /more than Sluice/,
  })
  await assert.rejects(read(bytes, { cardinality: 51 }), { code: 'TABLE_UNSUPPORTED' })
})

test('an inline vector that is shorter or longer than stated is refused', async () => {
  const read = (over: Partial<DeletionVector>) =>
    readDeletedRows(new MemoryStore(), { path: 'a', rows: 30, vector: { ...INLINE, ...over } })
  for (const over of [{ sizeInBytes: 41 }, { sizeInBytes: 36 }, { pathOrInlineDv: 'no!' }]) {
    await assert.rejects(read(over), { code: 'TABLE_FILES_MISSING' })
  }
})

test('damaged bytes are told apart from rows: nothing but a set of the stated rows, or a refusal', () => {
  const rows = [...Array.from({ length: 300 }, (_, n) => n * 3), 70_000, 70_001, 70_002, 200_000]
  const seeds = [
    vectorBytes(containersOf(rows, () => 'plain')),
    vectorBytes(containersOf(rows, () => 'runs')),
    vectorBytes(
      containersOf(
        Array.from({ length: 6000 }, (_, n) => n),
        () => 'plain',
      ),
    ),
  ]
  const limit = 300_000
  let refused = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(200),
      (seed, changes, cut) => {
        const bytes = Buffer.from(seed.subarray(0, cut < 40 ? Math.max(0, seed.length - cut) : seed.length))
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value
        try {
          const set = decodeRows(bytes, { cardinality: seed === seeds[2] ? 6000 : rows.length, rows: limit })
          const found = [...rowsOfSet(set)]
          assert.equal(found.length, set.size)
          assert.ok(found.every((row, n) => row < limit && (n === 0 || row > found[n - 1]!)))
        } catch (error) {
          if (!(error instanceof MalformedVector)) throw error
          refused += 1
        }
      },
    ),
    { numRuns: 1000 },
  )
  assert.ok(refused > 150, `only ${refused} of 1000 were refused`)
  assert.throws(() => decodeRows(randomBytes(64), { cardinality: 1, rows: 1 }), MalformedVector)
  assert.ok(!(new MalformedVector('') instanceof SluiceError))
})
