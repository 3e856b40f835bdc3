import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AvroCursor, DecodeFault } from '../../../src/contract/avro/read/cursor.ts'
import { readAvroInto } from '../../../src/contract/avro/read/read-json-bytes.ts'
import { readAvroJson } from '../../../src/contract/avro/read/read-json.ts'
import { isOneValue, skipValue } from '../../../src/contract/avro/read/skip-value.ts'
import { parseAvroSchema, type AvroRecord } from '../../../src/contract/avro/schema.ts'
import { bytesOfBigint } from '../../../src/domain/decimal-text.ts'
import { JsonBytes } from '../../../src/domain/json-bytes.ts'

/** Zigzag. */
function varint(value: bigint): number[] {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value >= 0n ? value * 2n : -value * 2n - 1n)
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return [...bytes, Number(rest)]
}

function sized(bytes: Iterable<number>): number[] {
  const all = [...bytes]
  return [...varint(BigInt(all.length)), ...all]
}

const edges = [7, 48, 49, 52, 53, 54, 56, 57, 62].flatMap((bits) => [-1n, 0n, 1n].map((by) => 2n ** BigInt(bits) + by))
const DAY = 86_400_000_000n
const times = [0n, 1n, 999n, 1000n, 1_000_000n, DAY - 1n, DAY, 19_999n * DAY + 43_200_000_000n, 2_932_897n * DAY]
const least = -(2n ** 63n)
const longs = fc.oneof(
  fc.bigInt({ min: least, max: -least - 1n }),
  fc.bigInt({ min: 0n, max: 2n ** 51n }),
  fc.constantFrom(...edges, ...times).chain((value) => fc.constantFrom(value, -value)),
)
const ints = fc.oneof(fc.integer(), fc.integer({ min: -70, max: 70 }))
const decimals = fc.oneof(
  fc.bigInt({ min: -(10n ** 5n), max: 10n ** 5n }),
  longs,
  longs.map((value) => value * 10n ** 9n),
)
const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ maxLength: 70 }))
const doubles = fc.oneof(fc.double(), fc.constantFrom(0, -0, 0.1, 1e21, 1e-7))

function doubleBytes(value: number): number[] {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value, true)
  return [...new Uint8Array(view.buffer)]
}

const long = longs.map(varint)
const scaled = fc.constantFrom(0, 2, 15, 16, 20)
/** A type, and the bytes of one of its values. */
const leaf: fc.Arbitrary<{ readonly type: unknown; readonly bytes: readonly number[] }> = fc.oneof(
  fc.record({
    type: fc.constantFrom(
      'long',
      ...['timestamp-millis', 'timestamp-micros', 'timestamp-nanos', 'time-micros'].map((logicalType) => ({
        type: 'long',
        logicalType,
      })),
    ),
    bytes: long,
  }),
  fc.record({
    type: fc.constantFrom('int', { type: 'int', logicalType: 'date' }, { type: 'int', logicalType: 'time-millis' }),
    bytes: ints.map((value) => varint(BigInt(value))),
  }),
  fc.record({
    type: scaled.map((scale) => ({ type: 'bytes', logicalType: 'decimal', precision: 38, scale })),
    bytes: fc.oneof(
      decimals.map((value) => sized(bytesOfBigint(value)!)),
      fc.uint8Array({ maxLength: 9 }).map(sized),
    ),
  }),
  fc.record({ type: fc.constantFrom('bytes'), bytes: fc.uint8Array({ maxLength: 9 }).map(sized) }),
  fc.record({ type: fc.constant('string'), bytes: texts.map((text) => sized(Buffer.from(text.toWellFormed()))) }),
  // Mostly no UTF-8.
  fc.record({ type: fc.constant('string'), bytes: fc.uint8Array({ maxLength: 4 }).map(sized) }),
  fc.record({ type: fc.constant('boolean'), bytes: fc.constantFrom([0], [1], [2]) }),
  fc.record({ type: fc.constant('double'), bytes: doubles.map(doubleBytes) }),
  fc.record({ type: fc.constant('null'), bytes: fc.constant([]) }),
  fc.record({
    type: fc.constant({ type: 'enum', name: 'E', symbols: ['a', 'b', 'c'] }),
    bytes: fc.constantFrom([0], [2], [4], [6]),
  }),
)
/** Perhaps in a union with null. */
const field = fc.tuple(leaf, fc.constantFrom('alone', 'value', 'null')).map(([{ type, bytes }, how]) => {
  if (how === 'alone' || type === 'null') return { type, bytes }
  return { type: ['null', type], bytes: how === 'null' ? [0] : [2, ...bytes] }
})
const record = fc.array(field, { minLength: 1, maxLength: 6 }).map((fields) => ({
  schema: parseAvroSchema(
    JSON.stringify({
      type: 'record',
      name: 'R',
      fields: fields.map(({ type }, i) => ({ name: `f${i}`, type: named(type, i) })),
    }),
    'r-value',
  ) as AvroRecord,
  bytes: Uint8Array.from(fields.flatMap(({ bytes }) => bytes)),
}))

/** An enum's name stands once. */
function named(type: unknown, i: number): unknown {
  return JSON.parse(JSON.stringify(type).replace('"name":"E"', `"name":"E${i}"`))
}

function orFault<T>(read: () => T): T | string {
  try {
    return read()
  } catch (error) {
    assert.ok(error instanceof DecodeFault, String(error))
    return `fault: ${error.message}`
  }
}

test('a record shown as bytes is the JSON of the record that is made of it, or has the same fault', () => {
  fc.assert(
    fc.property(record, fc.nat(3), ({ schema, bytes }, missing) => {
      const end = Math.max(0, bytes.length - (missing === 3 ? 1 : 0))
      const cursor = new AvroCursor()
      const wanted = orFault(() => {
        cursor.reset(bytes, 0, end)
        return [JSON.stringify(readAvroJson(schema, cursor)), cursor.at]
      })
      const shown = orFault(() => {
        const out = new JsonBytes()
        cursor.reset(bytes, 0, end)
        readAvroInto(out, schema, cursor)
        return [Buffer.from(out.view()).toString('utf8'), cursor.at]
      })
      assert.deepEqual(shown, wanted)
      if (typeof wanted === 'string') return
      cursor.reset(bytes, 0, end)
      for (const { type } of schema.fields) {
        assert.ok(isOneValue(type))
        skipValue(type, cursor)
      }
      assert.equal(cursor.at, end, 'each value is passed over as a whole')
    }),
    { numRuns: 2000 },
  )
})
