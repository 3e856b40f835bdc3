import fc from 'fast-check'
import { arbitraryTable, type ArbitraryTable } from './arbitrary-schema.ts'

/** Rules that some values of a type keep and some break; empty where a type takes none. */
function rulesOf(avro: unknown): fc.Arbitrary<object> {
  const type = Array.isArray(avro) ? avro.find((each) => each !== 'null') : avro
  const required = fc.constantFrom({}, {}, { required: true })
  const logical = typeof type === 'object' && type !== null && 'logicalType' in type ? type.logicalType : null
  const bounds = (low: fc.Arbitrary<number | string>): fc.Arbitrary<object> =>
    fc.oneof(
      low.map((minimum) => ({ minimum })),
      low.map((exclusiveMinimum) => ({ exclusiveMinimum })),
      low.map((maximum) => ({ maximum })),
      low.map((exclusiveMaximum) => ({ exclusiveMaximum })),
      fc.tuple(low, low).map(([minimum, maximum]) => ({ minimum, maximum })),
    )
  const number = fc.oneof(fc.constantFrom(0, -1, 63, 64, 0.5, 1e15, -1e15), fc.integer())
  let own: fc.Arbitrary<object> = fc.constant({})
  if (logical === 'decimal' || type === 'double' || type === 'float') own = bounds(number)
  else if (logical !== null)
    own = bounds(
      fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }).map((date) => isoOf(date, type)),
    )
  else if (type === 'int' || type === 'long')
    own = fc.oneof(
      bounds(number),
      fc.integer({ min: 1, max: 7 }).map((multipleOf) => ({ multipleOf })),
    )
  else if (type === 'string') {
    own = fc.oneof(
      fc.nat(8).map((minLength) => ({ minLength })),
      fc.nat(8).map((maxLength) => ({ maxLength })),
      fc
        .constantFrom('^.{2,}$', '[a-z]', '^[^a]*$', '\\d|^$', 'é|ü|[\\u{100}-\\u{10ffff}]')
        .map((pattern) => ({ pattern })),
      fc.constantFrom({ not: { const: '' } }, { enum: ['', 'a', 'A'] }),
    )
  }
  return fc.tuple(fc.oneof(fc.constant({}), own), required).map(([a, b]) => ({ ...a, ...b }))
}

function isoOf(date: Date, type: unknown): string {
  const text = date.toISOString()
  return JSON.stringify(type).includes('"date"') ? text.slice(0, 10) : text
}

/** `arbitraryTable` with rules on its columns. */
export const arbitraryRuledTable: fc.Arbitrary<ArbitraryTable> = arbitraryTable.chain((table) =>
  fc.tuple(...table.fields.map((field) => rulesOf(field.type))).map((rules) => ({
    ...table,
    fields: table.fields.map((field, i) => ({ ...field, constraints: rules[i] })),
  })),
)
