import fc from 'fast-check'

/**
 * Random Avro types with values as avsc takes them (unions wrapped, longs as bigint), what a column of ours then holds,
 * and types that a reader may have in their place.
 */
export interface PairType {
  readonly avro: unknown
  /** As a branch of a union is named. */
  readonly name: string
  readonly value: fc.Arbitrary<unknown>
  readonly held: (value: unknown) => unknown
  readonly evolve: () => fc.Arbitrary<PairType>
}

let names = 0
const fresh = (stem: string): string => `${stem}${(names += 1)}`
const same = (value: unknown): unknown => value
const hex = (value: unknown): unknown => Buffer.from(value as Uint8Array).toString('hex')
const text = (value: unknown): unknown =>
  typeof value === 'string' ? value : Buffer.from(value as Uint8Array).toString('utf8')

function scalar(avro: string, value: fc.Arbitrary<unknown>, held: PairType['held'], wider: () => PairType[]): PairType {
  const self: PairType = { avro, name: avro, value, held, evolve: () => fc.constantFrom(self, self, ...wider()) }
  return self
}

const edges = fc.constantFrom(0n, -1n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n, 63n, -65n)
const BOOLEAN = scalar('boolean', fc.boolean(), same, () => [])
const DOUBLE = scalar('double', fc.double(), Number, () => [])
const FLOAT = scalar('float', fc.float(), Number, () => [DOUBLE])
const LONG = scalar(
  'long',
  fc.oneof(edges, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  BigInt as never,
  () => [DOUBLE, FLOAT],
)
const INT = scalar('int', fc.integer(), same, () => [LONG, DOUBLE, FLOAT])
const BYTES: PairType = scalar(
  'bytes',
  fc.uint8Array({ maxLength: 9 }).map((each) => Buffer.from(each)),
  (v) => hex(typeof v === 'string' ? Buffer.from(v) : v),
  () => [],
)
const STRING = scalar('string', fc.string({ unit: 'binary', maxLength: 12 }), text, () => [BYTES])

function fixed(size: number): PairType {
  const name = fresh('F')
  const value = fc.uint8Array({ minLength: size, maxLength: size }).map((each) => Buffer.from(each))
  const self: PairType = {
    avro: { type: 'fixed', name, size },
    name,
    value,
    held: hex,
    evolve: () => fc.constant(self),
  }
  return self
}

function decimal(precision: number, scale: number): PairType {
  const top = 10n ** BigInt(precision) - 1n
  const value = fc.oneof(fc.constantFrom(top, -top, 0n), fc.bigInt({ min: -top, max: top })).map((each) => {
    let digits = 1
    while (BigInt.asIntN(digits * 8, each) !== each) digits += 1
    const twos = BigInt.asUintN(digits * 8, each).toString(16)
    return Buffer.from(twos.padStart(digits * 2, '0'), 'hex')
  })
  const held = (bytes: unknown): unknown => {
    const raw = Buffer.from(bytes as Uint8Array).toString('hex')
    return raw === '' ? 0n : BigInt.asIntN(raw.length * 4, BigInt(`0x${raw}`))
  }
  const avro = { type: 'bytes', logicalType: 'decimal', precision, scale }
  const self: PairType = { avro, name: 'bytes', value, held, evolve: () => fc.constant(self) }
  return self
}

function enumOf(count: number): PairType {
  const name = fresh('E')
  const symbols = ['A', 'B', 'C', 'D'].slice(0, count)
  const make = (list: readonly string[], more: object): PairType => ({
    avro: { type: 'enum', name, symbols: list, ...more },
    name,
    value: fc.constantFrom(...list),
    held: same,
    evolve: () =>
      fc.constantFrom(
        make(list, more),
        make([...list].reverse(), more),
        make([...list, 'E'], more),
        make(list.slice(0, 1), { default: list[0] }),
      ),
  })
  return make(symbols, {})
}

function list(inner: PairType): PairType {
  return {
    avro: { type: 'array', items: inner.avro },
    name: 'array',
    value: fc.array(inner.value, { maxLength: 3 }),
    held: (all) => (all as unknown[]).map(inner.held),
    evolve: () => inner.evolve().map(list),
  }
}

function map(inner: PairType): PairType {
  return {
    avro: { type: 'map', values: inner.avro },
    name: 'map',
    value: fc.dictionary(
      fc.string({ maxLength: 4 }).filter((key) => key !== '__proto__'),
      inner.value,
      { maxKeys: 3, noNullPrototype: true },
    ),
    held: (all) => new Map(Object.entries(all as object).map(([key, each]) => [key, inner.held(each)])),
    evolve: () => inner.evolve().map(map),
  }
}

interface PairField {
  readonly name: string
  readonly type: PairType
  readonly more: object
}

export function record(fields: readonly PairField[], name = fresh('R')): PairType {
  return {
    avro: {
      type: 'record',
      name,
      fields: fields.map((each) => ({ name: each.name, type: each.type.avro, ...each.more })),
    },
    name,
    value: fc
      .tuple(...fields.map((each) => each.type.value))
      .map((all) => Object.fromEntries(fields.map((each, i) => [each.name, all[i]]))),
    held: (all) =>
      Object.fromEntries(
        fields.map((each) => [each.name, each.type.held((all as Record<string, unknown>)[each.name])]),
      ),
    evolve: () => evolveRecord(fields, name),
  }
}

/** Fields in another order, some renamed by alias, some gone, and one that the writer lacks. */
function evolveRecord(fields: readonly PairField[], name: string): fc.Arbitrary<PairType> {
  return fc
    .record({
      types: fc.tuple(...fields.map((each) => each.type.evolve())),
      order: fc.shuffledSubarray([...fields.keys()], { minLength: 1 }),
      renamed: fc.nat(fields.length),
      added: fc.constantFrom(null, { type: INT, default: 7 }, { type: STRING, default: 'é' }),
    })
    .map(({ types, order, renamed, added }) => {
      const kept = order.map((i): PairField => {
        const { name: own } = fields[i]!
        return i === renamed
          ? { name: `${own}x`, type: types[i]!, more: { aliases: [own] } }
          : { name: own, type: types[i]!, more: {} }
      })
      const extra = added === null ? [] : [{ name: fresh('added'), type: added.type, more: { default: added.default } }]
      return record([...kept, ...extra], name)
    })
}

function union(branches: readonly PairType[], nullAt: 0 | 1 | null): PairType {
  const avro: unknown[] = branches.map((each) => each.avro)
  if (nullAt !== null) avro.splice(nullAt, 0, 'null')
  const present = fc.oneof(...branches.map((each) => each.value.map((value) => ({ [each.name]: value }))))
  return {
    avro,
    name: 'union',
    value: nullAt === null ? present : fc.option(present, { nil: null }),
    held(value) {
      if (value === null || value === undefined) return null
      const [[name, inner]] = Object.entries(value as object) as [[string, unknown]]
      const only = branches.find((each) => each.name === name)!
      if (branches.length === 1) return only.held(inner)
      return Object.fromEntries(
        branches.map((each) => [`member_${each.name}`, each === only ? each.held(inner) : null]),
      )
    },
    evolve: () => evolveUnion(branches, nullAt),
  }
}

/** Branches in another order, each of a type that it may be read as, null elsewhere or new. */
function evolveUnion(branches: readonly PairType[], nullAt: 0 | 1 | null): fc.Arbitrary<PairType> {
  const mixed = fc
    .tuple(...branches.map((each) => each.evolve()))
    .chain((all) => fc.shuffledSubarray(all, { minLength: all.length }))
  return fc.tuple(mixed, fc.constantFrom(0, 1, nullAt)).map(([all, at]) => {
    const names = new Set(all.map((each) => each.name))
    return all.some((each) => each.name === 'union') || names.size < all.length
      ? union(branches, nullAt)
      : union(all, nullAt === null ? at : (at ?? 0))
  })
}

/** A reader may admit null where the writer does not, or other types before and behind the one that fits. */
function loosened(type: PairType): PairType {
  const others = [BOOLEAN, map(STRING)].filter(({ name }) => name !== type.name)
  return {
    ...type,
    evolve: () =>
      fc.oneof(
        type.evolve(),
        type.evolve().map((each) => union([each], 0)),
        fc
          .tuple(type.evolve(), fc.subarray([...others, ...textBeside(type)], { minLength: 1 }), fc.boolean())
          .map(([each, more, last]) => union(last ? [...more, each] : [each, ...more], 0)),
      ),
  }
}

/** Casts of ours take almost anything as text, which no other reader of Avro does. */
function textBeside({ name }: PairType): PairType[] {
  return name === 'string' || name === 'bytes' ? [] : [STRING]
}

const leaf: fc.Arbitrary<PairType> = fc.oneof(
  fc.constantFrom(BOOLEAN, INT, LONG, FLOAT, DOUBLE, STRING, BYTES, INT, LONG, STRING),
  fc.nat(3).map(fixed),
  fc.tuple(fc.integer({ min: 1, max: 38 }), fc.nat(5)).map(([p, s]) => decimal(p, Math.min(p, s))),
  fc.integer({ min: 1, max: 4 }).map(enumOf),
)

const pairType: fc.Arbitrary<PairType> = fc.letrec<{ any: PairType }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { arbitrary: leaf.map((type) => (type.name === 'bytes' ? type : loosened(type))), weight: 6 },
    { arbitrary: fc.tuple(leaf, fc.constantFrom(0, 1)).map(([type, at]) => union([type], at as 0 | 1)), weight: 3 },
    {
      arbitrary: fc
        .tuple(fc.nat(3), fc.constantFrom(null, 0, 1))
        .map(([kind, at]) => union(branchesOf(kind), at as 0 | 1 | null)),
      weight: 2,
    },
    { arbitrary: tie('any').map(list), weight: 1 },
    { arbitrary: tie('any').map(map), weight: 1 },
    {
      arbitrary: fc
        .array(tie('any'), { minLength: 1, maxLength: 3 })
        .map(fieldsOf)
        .map((all) => record(all)),
      weight: 1,
    },
  ),
})).any

function branchesOf(kind: number): PairType[] {
  switch (kind) {
    case 0:
      return [LONG, STRING, BOOLEAN]
    case 1:
      return [STRING, INT]
    case 2:
      return [enumOf(3), list(INT), FLOAT, record(fieldsOf([INT, STRING])), record(fieldsOf([LONG]))]
    default:
      return [map(LONG), fixed(2), STRING, fixed(3), INT, list(STRING)]
  }
}

function fieldsOf(types: readonly PairType[]): PairField[] {
  return types.map((type, i) => ({ name: `f${i}`, type, more: {} }))
}

export const pairRecord: fc.Arbitrary<PairType> = fc
  .array(pairType, { minLength: 1, maxLength: 6 })
  .map(fieldsOf)
  .map((fields) => record(fields))
