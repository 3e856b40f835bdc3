import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { orderBatches } from '../../../bench/orders/order-batches.ts'
import { ORDERS_SCHEMA } from '../../../bench/orders/order-schema.ts'
import { CALL_RECORDS } from '../../../src/contract/avro/fast/row-source.ts'
import { createAvroReader } from '../../../src/contract/avro/read/reader.ts'
import { BytesBuilder } from '../../../src/contract/columns/bytes-builder.ts'
import { createBuilder } from '../../../src/contract/columns/nested-builders.ts'
import { parseContract } from '../../../src/contract/parse-contract.ts'
import { PrivateNames } from '../../../src/contract/privacy/private-names.ts'
import { RowState } from '../../../src/contract/reading/row-state.ts'
import { createEncoder } from '../../../src/contract/encode.ts'
import { frameRecord } from '../../../src/contract/wire.ts'
import type { RegisteredSchema } from '../../../src/ports/schema-registry.ts'
import type { SourceValue } from '../../../src/ports/source-connector.ts'
import { arbitraryRuledTable } from '../arbitrary-rules.ts'
import type { ArbitraryTable } from '../arbitrary-schema.ts'
import { avro, judged } from '../judged.ts'
import { arbitraryMutation, mutateBody } from '../mutate-bytes.ts'
import { judgePlainly } from '../plain-judge.ts'

function messagesOf(schema: RegisteredSchema, { fields, rows }: ArbitraryTable): Uint8Array[] {
  const encoder = createEncoder(schema)
  const names = fields.map((field) => field.name)
  return rows.map((row) =>
    messageOf(
      encoder,
      names,
      row.map((cell) => cell.source),
    ),
  )
}

function messageOf(
  encoder: ReturnType<typeof createEncoder>,
  names: readonly string[],
  values: readonly SourceValue[],
): Uint8Array {
  const encoded = encoder.encode(names, values, false)
  assert.ok(encoded.kind === 'encoded', 'the row does not encode')
  return encoded.bytes
}

/** Asks both readers about the same records. */
function compare(
  schema: RegisteredSchema,
  values: readonly Uint8Array[],
  writers: readonly RegisteredSchema[] = [],
): void {
  const plain = judgePlainly({ schema, values, writers: new Map([schema, ...writers].map((each) => [each.id, each])) })
  const fast = judged(
    { schema },
    values.map((value) => ({ value })),
    writers,
  )
  assert.deepEqual([...fast.rows], plain.rows)
  assert.deepEqual(fast.landed, plain.landed)
  assert.deepEqual(fast.rescuedTexts, plain.rescued)
  assert.deepEqual(
    fast.refusals.map(({ errors }) =>
      errors[0]!.code === 'WIRE_FORMAT' ? ['WIRE_FORMAT'] : errors.map(({ code, field }) => `${code} ${field}`),
    ),
    plain.broken,
  )
  // Word for word, the record's JSON too: `judged` holds what is told at once to the same.
  assert.deepEqual(
    fast.refusals.map(({ errors, record }) => (errors[0]!.code === 'WIRE_FORMAT' ? null : { errors, record })),
    plain.told,
  )
}

describe('records read at a stretch', () => {
  it('pass, land and are refused as the plain reader has it, rules and all', () => {
    fc.assert(
      fc.property(arbitraryRuledTable, fc.array(arbitraryMutation, { maxLength: 12 }), (table, mutations) => {
        const schema = avro(table.fields)
        const whole = messagesOf(schema, table)
        const mutants = whole.length === 0 ? [] : mutations.map((each, i) => mutateBody(whole[i % whole.length]!, each))
        // Whole ones between the others, and again at the end, where few bytes follow them.
        compare(schema, [...mutants.flatMap((each, i) => [each, whole[i % whole.length]!]), ...whole])
      }),
      { numRuns: 200 },
    )
  })

  it('lengths are counted in code points, of whatever bytes, in columns that repeat and that do not', () => {
    const words = fc.array(fc.constantFrom('a', 'é', '€', '😀', '\0'), { maxLength: 5 }).map((all) => all.join(''))
    const length = fc.option(fc.nat(5), { nil: undefined })
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 30 }), length, length, (texts, minLength, maxLength) => {
        const constraints = Object.fromEntries(
          Object.entries({ minLength, maxLength }).filter(([, each]) => each !== undefined),
        )
        const schema = avro([{ name: 'v', type: 'string', constraints }])
        const encoder = createEncoder(schema)
        // Past what a dictionary takes: the column is one value after another from there on.
        const own = Array.from({ length: 70 }, (_, i) => `${String.fromCodePoint(0x4e00 + i)}`)
        const all = [...texts, ...own, ...texts]
        const messages = all.map((text) => messageOf(encoder, ['v'], [text]))
        const passing = all.flatMap((text, i) => {
          const points = Array.from(text).length
          return points >= (minLength ?? 0) && points <= (maxLength ?? Infinity) ? [i] : []
        })
        const { rows } = judged(
          { schema },
          messages.map((value) => ({ value })),
        )
        assert.deepEqual([...rows], passing)
      }),
      { numRuns: 60 },
    )
  })

  it('a bound that no decimal of 128 bits reaches lets pass none of them, or all', () => {
    const values = ['0.5812632247153293285908973496063601', '-0.9999999999999999999999999999999999', '0']
    for (const [constraints, passes] of [
      [{ minimum: 1918971366 }, 0],
      [{ maximum: -1918971366 }, 0],
      [{ minimum: -1918971366, maximum: 1918971366 }, 3],
    ] as const) {
      const type = { type: 'fixed', name: 'D', size: 16, logicalType: 'decimal', precision: 34, scale: 34 }
      const schema = avro([{ name: 'c0', type, constraints }])
      const encoder = createEncoder(schema)
      const messages = values.map((value) => messageOf(encoder, ['c0'], [value]))
      compare(schema, messages)
      assert.equal(
        judged(
          { schema },
          messages.map((value) => ({ value })),
        ).rows.length,
        passes,
      )
    }
  })

  it('of numbers and lengths in every count of bytes, more than they need and too many, are read as the plain reader has it', () => {
    const schema = avro([
      { name: 'small', type: 'int' },
      { name: 'large', type: 'long' },
      { name: 'word', type: 'string' },
      { name: 'last', type: 'long' },
    ])
    /** Zigzag; stretched to `least` bytes by groups that add nothing. */
    const varint = (value: bigint, least: number): number[] => {
      const bytes: number[] = []
      let rest = BigInt.asUintN(64, value >= 0n ? value * 2n : -value * 2n - 1n)
      while (rest > 127n || bytes.length + 1 < least) {
        bytes.push(Number(rest & 127n) | 128)
        rest >>= 7n
      }
      return [...bytes, Number(rest)]
    }
    const numbers = fc.oneof(
      fc
        .record({ bits: fc.nat(64), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) })
        .map(({ bits, value }) => BigInt.asIntN(Math.max(bits, 1), value)),
      // Numbers whose last byte ends a group of seven bits, and their neighbours.
      fc
        .record({ groups: fc.integer({ min: 1, max: 9 }), by: fc.integer({ min: -2, max: 1 }), sign: fc.boolean() })
        .map(({ groups, by, sign }) => (sign ? -1n : 1n) * 2n ** BigInt(groups * 7 - 1) + BigInt(by)),
    )
    const least = fc.oneof(
      { weight: 4, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.integer({ min: 2, max: 11 }) },
    )
    const record = fc.record({
      values: fc.array(numbers, { minLength: 3, maxLength: 3 }),
      word: fc.nat(300),
      leasts: fc.array(least, { minLength: 4, maxLength: 4 }),
    })
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), (records) => {
        const messages = records.map(({ values, word, leasts }) => {
          const [small, large, last] = values as [bigint, bigint, bigint]
          const body = [
            ...varint(small, leasts[0]!),
            ...varint(large, leasts[1]!),
            ...varint(BigInt(word), leasts[2]!),
            ...Array.from({ length: word }, (_, i) => 97 + (i % 26)),
            ...varint(last, leasts[3]!),
          ]
          return frameRecord(schema.id, Uint8Array.from(body))
        })
        compare(schema, messages)
      }),
      { numRuns: 300 },
    )
  })

  it('leave no trace where they fail: a batch without them is the same, dictionaries and all', () => {
    const names = ['id', 'word', 'kind', 'free']
    const schema = avro([
      { name: 'id', type: 'long' },
      { name: 'word', type: 'string', constraints: { pattern: '^[a-z]*$' } },
      { name: 'kind', type: { type: 'enum', name: 'K', symbols: ['A', 'B', 'C'] } },
      { name: 'free', type: ['null', 'string'], constraints: { maxLength: 4 } },
    ])
    const encoder = createEncoder(schema)
    const record = fc.record({
      id: fc.bigInt({ min: 0n, max: 9n }),
      word: fc.constantFrom('a', 'bb', 'ccc', 'NO', 'é', 'x1'),
      kind: fc.constantFrom('A', 'B', 'C'),
      free: fc.oneof(fc.constant(null), fc.string({ maxLength: 6 })),
      cut: fc.nat(9),
    })
    fc.assert(
      fc.property(fc.array(record, { maxLength: 40 }), (list) => {
        const values = list.map(({ cut, ...row }) => {
          const message = messageOf(
            encoder,
            names,
            names.map((name) => row[name as keyof typeof row]),
          )
          return cut === 0 ? message.subarray(0, message.length - 1) : message
        })
        const all = judged(
          { schema },
          values.map((value) => ({ value })),
        )
        const good = judged(
          { schema },
          [...all.rows].map((index) => ({ value: values[index]! })),
        )
        assert.deepEqual(all.columns, good.columns)
        assert.deepEqual(all.rescued, good.rescued)
        assert.equal(good.refusals.length, 0)
      }),
      { numRuns: 300 },
    )
  })

  it('of a column that repeats are held as a dictionary of what stands in rows, however many records fail', () => {
    const schema = avro([{ name: 'v', type: 'string', constraints: { maxLength: 3 } }])
    const encoder = createEncoder(schema)
    const texts = ['EUR', 'never', 'USD', 'EUR', 'neither', 'USD', 'EUR']
    const verdict = judged(
      { schema },
      texts.map((text) => ({ value: messageOf(encoder, ['v'], [text]) })),
    )
    const { values } = verdict.columns.columns[0]!
    assert.ok(values.layout === 'dictionary')
    assert.equal(Buffer.from(values.data).toString(), 'EURUSD')
    assert.deepEqual([...values.ids], [0, 1, 0, 1, 0])
  })

  it('of a column that does not repeat stand one after another, and read alike across the change', () => {
    const schema = avro([
      { name: 'v', type: 'string' },
      { name: 'w', type: ['null', 'string'] },
    ])
    const encoder = createEncoder(schema)
    const rows = Array.from({ length: 700 }, (_, i) => [`value ${i}`, i % 3 === 0 ? null : 'x'.repeat(i % 90)])
    const verdict = judged(
      { schema },
      rows.map((row) => ({ value: messageOf(encoder, ['v', 'w'], row) })),
    )
    assert.deepEqual(
      verdict.columns.columns.map(({ values }) => values.layout),
      ['bytes', 'bytes'],
    )
    assert.deepEqual(
      verdict.landed.map(({ v, w }) => [v, w]),
      rows,
    )
  })

  it('are all that pass, to the last one of a batch', () => {
    const contract = parseContract(ORDERS_SCHEMA)
    const builders = contract.fields.map((field) => createBuilder(field.column.type))
    const none = { evolved: [], privateNames: new PrivateNames(contract), rules: [], checks: [] }
    const reader = createAvroReader({ contract, mode: 'rescue', builders, row: new RowState('rescue'), ...none })
    for (const count of [1, 2, 30, CALL_RECORDS - 1, CALL_RECORDS, CALL_RECORDS + 1, 2 * CALL_RECORDS]) {
      for (const { batch } of orderBatches({ seed: count, count, badRate: 0 })) {
        const rescued = new BytesBuilder({ kind: 'string' })
        const stretch = { batch, from: 0, rows: new Int32Array(count), rescued, passed: 0, gaveUp: -1 }
        for (const builder of builders) builder.truncate(0)
        assert.equal(reader.readStretch?.(ORDERS_SCHEMA, stretch), count)
        assert.deepEqual([...stretch.rows], [...Array(count).keys()])
        assert.deepEqual([stretch.passed, rescued.length, builders[0]!.length], [count, count, count])
      }
    }
  })

  it('are judged alike about the last one that a call reads', () => {
    const schema = avro([{ name: 'n', type: 'int', constraints: { minimum: 0 } }])
    const encoder = createEncoder(schema)
    const count = 2 * CALL_RECORDS + 3
    for (const bad of [CALL_RECORDS - 1, CALL_RECORDS, CALL_RECORDS + 1, 2 * CALL_RECORDS, count - 1]) {
      const values = Array.from({ length: count }, (_, n) => messageOf(encoder, ['n'], [n === bad ? -1 : n]))
      compare(schema, values)
      const { rows } = judged(
        { schema },
        values.map((value) => ({ value })),
      )
      assert.deepEqual(
        [...rows],
        Array.from({ length: count }, (_, n) => n).filter((n) => n !== bad),
      )
    }
  })

  it('of several writers in one batch land in order', () => {
    const schema = avro([
      { name: 'id', type: 'long' },
      { name: 'v', type: ['null', 'string'], default: null },
    ])
    const other = avro(
      [
        { name: 'v', type: 'string' },
        { name: 'extra', type: 'int' },
        { name: 'id', type: 'int' },
      ],
      { id: 3 },
    )
    const [a, b] = [createEncoder(schema), createEncoder(other)]
    const values = Array.from({ length: 30 }, (_, i) =>
      i % 3 === 0 ? messageOf(b, ['id', 'v', 'extra'], [i, `v${i}`, i]) : messageOf(a, ['id', 'v'], [BigInt(i), null]),
    )
    compare(schema, values, [other])
  })

  it('of a hundred fields are read in parts, wherever one fails', () => {
    const kinds = ['long', ['null', 'string'], 'double', 'int', 'boolean'] as const
    const fields = Array.from({ length: 103 }, (_, i) => ({ name: `f${i}`, type: kinds[i % kinds.length] }))
    const schema = avro(fields)
    const encoder = createEncoder(schema)
    const value = (i: number): SourceValue =>
      [BigInt(i) << 40n, i % 2 === 0 ? null : `t${i}`, i / 3, -i, i % 4 === 0][i % 5]!
    const whole = messageOf(
      encoder,
      fields.map(({ name }) => name),
      fields.map((_, i) => value(i)),
    )
    fc.assert(
      fc.property(fc.array(arbitraryMutation, { maxLength: 20 }), (mutations) => {
        compare(schema, [whole, ...mutations.flatMap((each) => [mutateBody(whole, each), whole])])
      }),
      { numRuns: 30 },
    )
  })

  const decimal = { type: 'bytes', logicalType: 'decimal', scale: 2 }
  const wide = `40${'61'.repeat(32)}`
  for (const [title, type, constraints, bodies] of [
    [
      'an int',
      'int',
      {},
      ['00', 'ffffffff0f', 'ffffffff1f', 'ffffffffff00', '8080808000', '808080808000', 'feffffff0f'],
    ],
    ['an int in bounds', 'int', { minimum: 5, maximum: 7 }, ['08', '0a', '0c', '0e', '10', '09', '8a00']],
    [
      'a long in bounds',
      'long',
      { minimum: -(2 ** 32), maximum: 2 ** 32 },
      ['ffffffff1f', '8180808020', '8080808020', '8280808020', '00', '01'],
    ],
    [
      'a long',
      'long',
      {},
      [
        'ffffffffffffffffff01',
        'feffffffffffffffff01',
        'ffffffffffffffffff02',
        'ffffffffffffffffff8100',
        '80808080808080808000',
      ],
    ],
    ['a boolean', 'boolean', {}, ['00', '01', '02', 'ff']],
    [
      'a double',
      'double',
      { minimum: 0 },
      ['000000000000f07f', '000000000000f87f', '0000000000000080', '00000000000000', '9a9999999999b9bf'],
    ],
    ['a float', 'float', { exclusiveMaximum: 1 }, ['0000803f', 'ffff7f3f', '0000c07f', '000080ff']],
    [
      'a text',
      'string',
      {},
      [
        '00',
        '02e9',
        '04c3a9',
        '06eda080',
        '08f0908080',
        '08f4908080',
        '06e08080',
        '04c0af',
        '0461',
        '0461626364',
        '01',
        '8000',
        '808000',
        '80808000',
        '8080808000',
        '8080808001',
      ],
    ],
    [
      'a long text',
      'string',
      { maxLength: 32 },
      [
        wide,
        `${wide}00`,
        wide.replace(/61$/, 'ff'),
        `42${'61'.repeat(33)}`,
        `42${'61'.repeat(31)}c3a9`,
        `44${'c3a9'.repeat(17)}`,
      ],
    ],
    [
      'an enum',
      { type: 'enum', name: 'E', symbols: ['a', 'b'] },
      {},
      ['00', '02', '04', '01', '8000', '8200', '808000'],
    ],
    ['bytes', 'bytes', {}, ['00', '02ff', '04ff', '03', `${wide}`]],
    ['a fixed', { type: 'fixed', name: 'F', size: 3 }, {}, ['000000', 'ffff', 'ffffffff', '0102ff']],
    [
      'a decimal',
      { ...decimal, precision: 12 },
      { minimum: -1 },
      [
        '00',
        '0264',
        '029c',
        '029b',
        '0400ff',
        '0ae8d4a50fff',
        '0ae8d4a51000',
        '0a00e8d4a51000',
        '12000000000000000001',
        '12ffffffffffffffffff',
        '12010000000000000000',
        '107fffffffffffffff',
        '09',
        '8000',
      ],
    ],
    [
      'a decimal of 18 digits',
      { ...decimal, precision: 18 },
      {},
      ['100de0b6b3a763ffff', '100de0b6b3a7640000', '10f21f494c589c0001', '10f21f494c589c0000', '12ff8000000000000000'],
    ],
    [
      'a decimal of 38 digits',
      { ...decimal, precision: 38 },
      { minimum: -1 },
      [
        '00',
        '0264',
        '029c',
        '029b',
        '204b3b4ca85a86c47a098a223fffffffff',
        '204b3b4ca85a86c47a098a224000000000',
        '20ffffffffffffffffffffffffffffff9c',
        '20ffffffffffffffffffffffffffffff9b',
        '2200000000000000000000000000000000ff',
      ],
    ],
    [
      'a decimal in a fixed',
      { ...decimal, type: 'fixed', name: 'D', size: 12, precision: 9 },
      {},
      [
        '00000000000000003b9ac9ff',
        '00000000000000003b9aca00',
        'ffffffffffffffffc4653601',
        'ffffffffffffffffc4653600',
        'ff0000000000000000000001',
        '000000010000000000000001',
      ],
    ],
    [
      'a time in milliseconds',
      { type: 'long', logicalType: 'timestamp-millis' },
      {},
      [
        'feffffffffffffffff01',
        '00',
        '01',
        'd285d8cc8468',
        'f0d1d3f6c59f04',
        'eed1d3f6c59f04',
        'f2d1d3f6c59f04',
        'fecffdf5e4ff1f',
      ],
    ],
    [
      'a uuid',
      { type: 'string', logicalType: 'uuid' },
      {},
      [
        Buffer.from('H00000000-0000-4000-8000-00000000000A').toString('hex'),
        Buffer.from('H00000000-0000-4000-8000-00000000000g').toString('hex'),
        '00',
      ],
    ],
    ['a null or text', ['null', 'string'], {}, ['00', '0200', '0202', '020241', '04', '01', '8000', '820000']],
    ['a text or null', ['string', 'null'], { required: true }, ['02', '0000', '000241', '04']],
  ] as const) {
    it(`agrees with the plain reader on every edge of ${title}`, () => {
      const schema = avro([{ name: 'v', type, constraints }])
      const values = bodies.map((body) => frameRecord(schema.id, Buffer.from(body, 'hex')))
      // Each twice, so that one is read in place and one near the end; and behind one that ends every dictionary.
      compare(schema, [...values, ...values])
      if (title === 'a text')
        compare(schema, [frameRecord(schema.id, Buffer.from(`a201${'61'.repeat(81)}`, 'hex')), ...values, ...values])
      for (const value of values) compare(schema, [value])
    })
  }
})
