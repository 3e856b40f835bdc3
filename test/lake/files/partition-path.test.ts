import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkStorePath } from '../../../src/domain/store-path.ts'
import { partitionFolder, partitionValue } from '../../../src/lake/files/partition-path.ts'
import { logPath, storePath } from '../../../src/lake/log/file-key.ts'

test('folders are named as Spark names them', () => {
  const cases: [string | null, string][] = [
    ['2024-01-01', 'd=2024-01-01/'],
    ['A/A', 'd=A%2FA/'],
    ['a b', 'd=a b/'],
    ['10:30=x?', 'd=10%3A30%3Dx%3F/'],
    ['50%', 'd=50%25/'],
    ['é', 'd=é/'],
    ['it\'s {a} [b] ^#*"\\', 'd=it%27s %7Ba} %5Bb%5D %5E%23%2A%22%5C/'],
    ['a\tb\u0001', 'd=a%09b%01/'],
    [null, 'd=__HIVE_DEFAULT_PARTITION__/'],
    ['', 'd=__HIVE_DEFAULT_PARTITION__/'],
  ]
  for (const [value, folder] of cases) assert.equal(partitionFolder(['d'], { d: value }), folder)
  assert.equal(partitionFolder([], {}), '')
  assert.equal(partitionFolder(['a', 'b'], { b: '2', a: '1' }), 'a=1/b=2/')
  assert.deepEqual([partitionValue(''), partitionValue(undefined), partitionValue('x')], [null, null, 'x'])
})

test("any value makes a path that a store takes (I14), and the log's form of it leads back to it", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }).filter((s) => s.isWellFormed()),
      (value) => {
        const path = `${partitionFolder(['col umn'], { 'col umn': value })}part-1.parquet`
        assert.equal(checkStorePath(path), path)
        assert.equal(path.split('/').length, 2)
        assert.equal(storePath(logPath(path)), path)
        assert.match(logPath(path), /^[\x21-\x7e]+$/)
      },
    ),
  )
})

test('values too long for a folder have folders of their own', () => {
  const folders = ['x', 'y'].map((end) => partitionFolder(['d'], { d: 'v'.repeat(500) + end }))
  assert.notEqual(folders[0], folders[1])
  assert.ok(folders.every((folder) => Buffer.byteLength(folder) < 255))
})

test('a file outside its table is refused', () => {
  for (const path of ['/abs/f', 's3://bucket/f', 'file:///f', 'abfss:x']) {
    assert.throws(() => storePath(path), { code: 'TABLE_UNSUPPORTED' })
  }
  assert.equal(storePath('a=1/f'), 'a=1/f')
})
