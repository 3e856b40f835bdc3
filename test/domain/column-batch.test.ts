import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchBytes, columnBytes, type Column } from '../../src/domain/column-batch.ts'

const strings: Column = {
  type: { kind: 'string' },
  length: 3,
  validity: Uint8Array.of(1, 0, 1),
  values: { layout: 'bytes', offsets: Int32Array.of(0, 2, 2, 5), data: Buffer.from('abcde') },
}
const longs: Column = {
  type: { kind: 'int64' },
  length: 3,
  validity: null,
  values: { layout: 'int64', data: BigInt64Array.of(1n, 2n, 3n) },
}

test('I12 the bytes of a column are those of its values, offsets and validity', () => {
  assert.equal(columnBytes(longs), 3 * 8)
  assert.equal(columnBytes(strings), 3 + 4 * 4 + 5)
  const ids = Int32Array.of(0, 1, 0, 0)
  const entries = { offsets: Int32Array.of(0, 2, 5), data: Buffer.from('abcde') }
  const repeated: Column = {
    type: { kind: 'string' },
    length: 4,
    validity: null,
    values: { layout: 'dictionary', ids, ...entries },
  }
  assert.equal(columnBytes(repeated), 4 * 4 + 3 * 4 + 5)
})

test('I12 the bytes of a nested column include its children', () => {
  const list: Column = {
    type: { kind: 'list', element: { kind: 'int64' }, elementNullable: false },
    length: 2,
    validity: null,
    values: { layout: 'list', offsets: Int32Array.of(0, 1, 3), element: longs },
  }
  assert.equal(columnBytes(list), 3 * 4 + 24)
  const map: Column = {
    type: { kind: 'map', value: { kind: 'int64' }, valueNullable: false },
    length: 1,
    validity: Uint8Array.of(1),
    values: { layout: 'map', offsets: Int32Array.of(0, 3), keys: strings, value: longs },
  }
  assert.equal(columnBytes(map), 1 + 8 + 24 + 24)
  const struct: Column = {
    type: { kind: 'struct', fields: [{ name: 's', type: { kind: 'string' }, nullable: true }] },
    length: 3,
    validity: null,
    values: { layout: 'struct', children: [strings, list] },
  }
  assert.equal(columnBytes(struct), 24 + 36)
  const fields = [
    { name: 'a', type: struct.type, nullable: false },
    { name: 'b', type: map.type, nullable: true },
  ]
  assert.equal(batchBytes({ length: 3, fields, columns: [struct, map] }), 60 + 57)
})
