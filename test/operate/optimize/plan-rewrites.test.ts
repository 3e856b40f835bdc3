import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AddFile } from '../../../src/lake/snapshot.ts'
import {
  CLUSTERED_TAG,
  clusteredTag,
  evenFiles,
  groupRewrites,
  partitionKey,
  planClustering,
  planCompaction,
  SMALL_SHARE,
} from '../../../src/operate/optimize/plan-rewrites.ts'
import { loggedFile } from './logged-files.ts'

const TARGET = 100

const someFiles = fc
  .array(
    fc.record({
      day: fc.constantFrom('d1', 'd2', null),
      bytes: fc.integer({ min: 1, max: 2 * TARGET }),
      modificationTimeMs: fc.integer({ min: 0, max: 20 }),
    }),
    { maxLength: 40 },
  )
  .map((drawn) =>
    drawn.map(({ day, bytes, modificationTimeMs }, i) =>
      loggedFile({ path: `f${i}`, partitionValues: { day }, bytes, modificationTimeMs }),
    ),
  )

let made = 0

/** The table after the rewrites were done, each file as large as those that it stands for. */
function afterwards(files: readonly AddFile[], rewrites: ReturnType<typeof planCompaction>): AddFile[] {
  const gone = new Set(rewrites.flatMap((each) => each.files.map(({ path }) => path)))
  const fresh = rewrites.map(({ partitionValues, bytes }) =>
    loggedFile({ path: `made${(made += 1)}`, partitionValues, bytes, modificationTimeMs: 50 }),
  )
  return [...files.filter(({ path }) => !gone.has(path)), ...fresh]
}

test('bin-packing keeps every byte, takes small files of one partition only, and fills no file past the target', () => {
  fc.assert(
    fc.property(someFiles, (files) => {
      const rewrites = planCompaction(files, { targetBytes: TARGET })
      const taken = rewrites.flatMap((each) => each.files)
      assert.equal(new Set(taken).size, taken.length, 'no file is taken twice')
      for (const { files: bin, bytes, partition, partitionValues } of rewrites) {
        assert.ok(bin.length >= 2)
        assert.ok(bytes <= TARGET)
        assert.equal(
          bytes,
          bin.reduce((sum, file) => sum + file.bytes, 0),
        )
        for (const file of bin) {
          assert.ok(files.includes(file) && file.bytes < TARGET * SMALL_SHARE)
          assert.equal(partitionKey(file), partition)
          assert.deepEqual(file.partitionValues, partitionValues)
        }
      }
      const sum = (all: readonly AddFile[]): number => all.reduce((bytes, file) => bytes + file.bytes, 0)
      assert.equal(sum(afterwards(files, rewrites)), sum(files))
    }),
  )
})

test('once the plan is carried out until it is empty, a partition has at most one small file, and nothing is left to do', () => {
  fc.assert(
    fc.property(someFiles, (files) => {
      let now: AddFile[] = [...files]
      for (let rounds = 0; ; rounds += 1) {
        const rewrites = planCompaction(now, { targetBytes: TARGET })
        if (rewrites.length === 0) break
        const next = afterwards(now, rewrites)
        assert.ok(next.length < now.length, 'each round leaves fewer files')
        assert.ok(rounds < 40)
        now = next
      }
      for (const all of Map.groupBy(now, partitionKey).values()) {
        const small = all.filter(({ bytes }) => bytes < TARGET * SMALL_SHARE)
        assert.ok(small.length <= 1, `${small.length} small files are left`)
      }
    }),
  )
})

test('thrifty, a byte is rewritten a few times only while small files keep coming, and few files are left', () => {
  const target = 10_000
  const left = (thrifty: boolean): { readonly rewritten: number; readonly files: number } => {
    let files: AddFile[] = []
    let rewritten = 0
    for (let turn = 0; turn < 1000; turn += 1) {
      files.push(loggedFile({ path: `new${turn}`, bytes: 10, modificationTimeMs: turn }))
      const rewrites = planCompaction(files, { targetBytes: target, thrifty })
      rewritten += rewrites.reduce((sum, { bytes }) => sum + bytes, 0)
      files = afterwards(files, rewrites)
    }
    return { rewritten, files: files.length }
  }
  const [thrifty, eager] = [left(true), left(false)]
  assert.ok(thrifty.rewritten < 10 * 10 * 1000, `${thrifty.rewritten} bytes of 10,000 were rewritten`)
  assert.ok(eager.rewritten > 10 * thrifty.rewritten, `${eager.rewritten} against ${thrifty.rewritten}`)
  assert.ok(thrifty.files <= 20, `${thrifty.files} files`)
})

test('neighbours in time come together, whatever order the log has them in', () => {
  const files = [5, 1, 4, 2, 3, 0].map((at) => loggedFile({ path: `f${at}`, bytes: 30, modificationTimeMs: at }))
  assert.deepEqual(
    planCompaction(files, { targetBytes: TARGET }).map((each) => each.files.map(({ path }) => path)),
    [
      ['f0', 'f1', 'f2'],
      ['f3', 'f4', 'f5'],
    ],
  )
})

test('a partition with one file, with large files or without any is left alone', () => {
  assert.deepEqual(planCompaction([], { targetBytes: TARGET }), [])
  assert.deepEqual(planCompaction([loggedFile({ path: 'a', bytes: 1 })], { targetBytes: TARGET }), [])
  const parted = ['x', 'y', null].map((day) => loggedFile({ path: `${day}`, bytes: 1, partitionValues: { day } }))
  assert.deepEqual(planCompaction(parted, { targetBytes: TARGET }), [])
  const large = ['a', 'b', 'c'].map((path) => loggedFile({ path, bytes: 50 }))
  assert.deepEqual(planCompaction(large, { targetBytes: TARGET }), [])
})

test('clustering takes whole partitions, and those alone where a file is not clustered by these columns yet', () => {
  const tags = { [CLUSTERED_TAG]: clusteredTag(['a', 'b']) }
  const other = { [CLUSTERED_TAG]: clusteredTag(['b', 'a']) }
  const file = (path: string, day: string, more: Partial<AddFile> = {}): AddFile =>
    loggedFile({ path, partitionValues: { day }, bytes: 300, ...more })
  const files = [
    file('1', 'done', { tags }),
    file('2', 'done', { tags }),
    file('3', 'grown', { tags }),
    file('4', 'grown', { modificationTimeMs: 9 }),
    file('5', 'otherwise', { tags: other }),
    file('6', 'single and small', { bytes: TARGET }),
    file('7', 'single and large'),
  ]
  const plan = planClustering(files, { columns: ['a', 'b'], targetBytes: TARGET })
  assert.deepEqual(
    plan.map((each) => each.files.map(({ path }) => path)),
    [['3', '4'], ['5'], ['7']],
  )
})

test('a group of rewrites stays within its bytes, but for one that is larger by itself; none is left out', () => {
  fc.assert(
    fc.property(someFiles, fc.integer({ min: 1, max: 500 }), (files, limit) => {
      const rewrites = planClustering(files, { columns: ['a'], targetBytes: 1 })
      const groups = groupRewrites(rewrites, limit)
      assert.deepEqual(groups.flat(), rewrites)
      for (const group of groups) {
        const bytes = group.reduce((sum, each) => sum + each.bytes, 0)
        assert.ok(group.length > 0 && (bytes <= limit || group.length === 1))
      }
    }),
  )
})

test('files of a clustered partition are of even size, near the target', () => {
  const files = Array.from({ length: 10 }, (_, i) => loggedFile({ path: `${i}`, bytes: 33, rows: 7 }))
  const rewrite = { partition: '', partitionValues: {}, files, bytes: 330 }
  assert.deepEqual(evenFiles(rewrite, 100), { files: 3, rows: 24 })
  assert.deepEqual(evenFiles(rewrite, 1000), { files: 1, rows: 70 })
})
