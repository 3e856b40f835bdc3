import fc from 'fast-check'
import type { SourceValue } from '../../src/ports/source-connector.ts'

/** A random Avro type with values: what a source gives, and what the column must then hold. */
export interface TypedValue {
  readonly source: SourceValue
  readonly held: unknown
}

export interface ArbitraryType {
  readonly avro: unknown
  readonly value: fc.Arbitrary<TypedValue>
}

let names = 0
const fresh = (stem: string): string => `${stem}${(names += 1)}`
const same = (arbitrary: fc.Arbitrary<SourceValue>): fc.Arbitrary<TypedValue> =>
  arbitrary.map((source) => ({ source, held: source }))

const LONG_EDGES = [
  0n,
  -1n,
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 53n) - 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  63n,
  64n,
  -64n,
  -65n,
]
const long = fc.oneof(fc.constantFrom(...LONG_EDGES), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
const text = fc.string({ unit: 'binary', maxLength: 12 })

function decimal(precision: number, scale: number): fc.Arbitrary<TypedValue> {
  const top = 10n ** BigInt(precision) - 1n
  return fc.oneof(fc.constantFrom(top, -top, 0n), fc.bigInt({ min: -top, max: top })).map((held) => {
    const digits = (held < 0n ? -held : held).toString().padStart(scale + 1, '0')
    const plain = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
    return { source: held < 0n ? `-${plain}` : plain, held }
  })
}

const timestamp = fc.bigInt({ min: -62135596800000n, max: 253402300799999n })

const scalar: fc.Arbitrary<ArbitraryType> = fc.oneof(
  fc.constant({ avro: 'boolean', value: same(fc.boolean()) }),
  fc.constant({ avro: 'int', value: same(fc.oneof(fc.integer(), fc.constantFrom(2147483647, -2147483648))) }),
  fc.constant({ avro: 'long', value: same(long) }),
  fc.constant({ avro: 'float', value: same(fc.float()) }),
  fc.constant({ avro: 'double', value: same(fc.double()) }),
  fc.constant({ avro: 'string', value: same(text) }),
  fc.constant({
    avro: 'bytes',
    value: fc.uint8Array({ maxLength: 9 }).map((source) => ({ source, held: Buffer.from(source).toString('hex') })),
  }),
  fc.constant(0).map(() => ({
    avro: { type: 'enum', name: fresh('E'), symbols: ['A', 'B', 'C'] },
    value: same(fc.constantFrom('A', 'B', 'C')),
  })),
  fc.constant(0).map(() => ({
    avro: { type: 'fixed', name: fresh('F'), size: 3 },
    value: fc
      .uint8Array({ minLength: 3, maxLength: 3 })
      .map((source) => ({ source, held: Buffer.from(source).toString('hex') })),
  })),
  fc.tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38), fc.boolean()).map(([precision, wish, fixed]) => {
    const scale = Math.min(wish, precision)
    const logical = { logicalType: 'decimal', precision, scale }
    return {
      avro: fixed ? { type: 'fixed', name: fresh('D'), size: 16, ...logical } : { type: 'bytes', ...logical },
      value: decimal(precision, scale),
    }
  }),
  fc.constant({
    avro: { type: 'long', logicalType: 'timestamp-millis' },
    value: timestamp.map((ms) => ({ source: new Date(Number(ms)).toISOString(), held: ms * 1000n })),
  }),
  fc.constant({
    avro: { type: 'long', logicalType: 'local-timestamp-micros' },
    value: fc.tuple(timestamp, fc.nat(999)).map(([ms, micros]) => ({
      source: `${new Date(Number(ms)).toISOString().replace('T', ' ').slice(0, -1)}${String(micros).padStart(3, '0')}`,
      held: ms * 1000n + BigInt(micros),
    })),
  }),
  fc.constant({
    avro: { type: 'int', logicalType: 'date' },
    value: fc
      .integer({ min: -719162, max: 2932896 })
      .map((held) => ({ source: new Date(held * 86_400_000).toISOString().slice(0, 10), held })),
  }),
)

export const arbitraryType: fc.Arbitrary<ArbitraryType> = fc.letrec<{ any: ArbitraryType }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { arbitrary: scalar, weight: 6 },
    { arbitrary: tie('any').map(nullable), weight: 2 },
    { arbitrary: tie('any').map(list), weight: 1 },
    { arbitrary: tie('any').map(map), weight: 1 },
    { arbitrary: fc.array(tie('any'), { minLength: 1, maxLength: 3 }).map(struct), weight: 1 },
  ),
})).any

function nullable(inner: ArbitraryType): ArbitraryType {
  if (Array.isArray(inner.avro)) return inner
  return { avro: ['null', inner.avro], value: fc.option(inner.value, { nil: { source: null, held: null } }) }
}

function list(inner: ArbitraryType): ArbitraryType {
  return {
    avro: { type: 'array', items: inner.avro },
    value: fc
      .array(inner.value, { maxLength: 3 })
      .map((all) => ({ source: all.map((each) => each.source), held: all.map((each) => each.held) })),
  }
}

function map(inner: ArbitraryType): ArbitraryType {
  return {
    avro: { type: 'map', values: inner.avro },
    value: fc
      .dictionary(fc.string({ maxLength: 4 }), inner.value, { maxKeys: 3, noNullPrototype: true })
      .map((all) => ({
        source: Object.fromEntries(Object.entries(all).map(([key, each]) => [key, each.source])),
        held: new Map(Object.entries(all).map(([key, each]) => [key, each.held])),
      })),
  }
}

function struct(inner: readonly ArbitraryType[]): ArbitraryType {
  const fields = inner.map((each, i) => ({ name: `f${i}`, type: each.avro }))
  return {
    avro: { type: 'record', name: fresh('R'), fields },
    value: fc.tuple(...inner.map((each) => each.value)).map((all) => ({
      source: Object.fromEntries(all.map((each, i) => [`f${i}`, each.source])),
      held: Object.fromEntries(all.map((each, i) => [`f${i}`, each.held])),
    })),
  }
}

export interface ArbitraryTable {
  readonly fields: readonly { readonly name: string; readonly type: unknown }[]
  readonly rows: readonly (readonly TypedValue[])[]
}

/** A record schema and a few rows of it. */
export const arbitraryTable: fc.Arbitrary<ArbitraryTable> = fc
  .array(arbitraryType, { minLength: 1, maxLength: 6 })
  .chain((types) =>
    fc.array(fc.tuple(...types.map((type) => type.value)), { maxLength: 5 }).map((rows) => ({
      fields: types.map((type, i) => ({ name: `c${i}`, type: type.avro })),
      rows,
    })),
  )
