import fc from 'fast-check'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import type { Cell } from './build-columns.ts'

/** Random fields and rows of every type, for properties that hold of any file. */

export interface RandomTable {
  readonly fields: readonly ColumnField[]
  readonly rows: readonly (readonly Cell[])[]
}

const LEAF_TYPES: fc.Arbitrary<ColumnType> = fc.oneof(
  fc.constantFrom<ColumnType>(
    { kind: 'boolean' },
    { kind: 'int32' },
    { kind: 'int64' },
    { kind: 'float32' },
    { kind: 'float64' },
    { kind: 'string' },
    { kind: 'binary' },
    { kind: 'date' },
    { kind: 'timestamp' },
  ),
  fc
    .integer({ min: 1, max: 38 })
    .chain((precision) =>
      fc.integer({ min: 0, max: precision }).map((scale): ColumnType => ({ kind: 'decimal', precision, scale })),
    ),
)

const ANY_TYPES: fc.Arbitrary<ColumnType> = fc.letrec<{ type: ColumnType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { arbitrary: LEAF_TYPES, weight: 5 },
    {
      arbitrary: fc.record(
        { kind: fc.constant('list' as const), element: tie('type'), elementNullable: fc.boolean() },
        { noNullPrototype: true },
      ),
      weight: 1,
    },
    {
      arbitrary: fc.record(
        { kind: fc.constant('map' as const), value: tie('type'), valueNullable: fc.boolean() },
        { noNullPrototype: true },
      ),
      weight: 1,
    },
    {
      arbitrary: fc
        .array(fc.tuple(tie('type'), fc.boolean()), { minLength: 1, maxLength: 3 })
        .map((types): ColumnType => ({
          kind: 'struct',
          fields: types.map(([type, nullable], i) => ({ name: `f${i}`, type, nullable })),
        })),
      weight: 1,
    },
  ),
})).type

// Text of a few values, so that dictionaries repeat, and of any.
const TEXT = fc.oneof(fc.constantFrom('', 'a', 'EUR', 'ünï', '\u{1f600}'), fc.string({ unit: 'binary', maxLength: 90 }))

function cellOf(type: ColumnType, nullable: boolean): fc.Arbitrary<Cell> {
  const present = presentOf(type)
  return nullable ? fc.option(present, { freq: 4 }) : present
}

function presentOf(type: ColumnType): fc.Arbitrary<Cell> {
  switch (type.kind) {
    case 'boolean':
      return fc.boolean()
    case 'int32':
      return fc.integer()
    case 'date':
      return fc.integer({ min: -719_162, max: 2_932_896 })
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'timestamp':
      return fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n })
    case 'float32':
      return fc.float()
    case 'float64':
      return fc.double()
    case 'decimal': {
      const limit = 10n ** BigInt(type.precision) - 1n
      return fc.bigInt({ min: -limit, max: limit })
    }
    case 'string':
      return TEXT
    case 'binary':
      return fc.uint8Array({ maxLength: 90 })
    case 'list':
      return fc.array(cellOf(type.element, type.elementNullable), { maxLength: 5 })
    case 'map':
      return fc
        .uniqueArray(fc.tuple(TEXT, cellOf(type.value, type.valueNullable)), {
          maxLength: 4,
          selector: ([key]) => key,
        })
        .map((entries) => new Map(entries))
    case 'struct':
      return fc.record(
        Object.fromEntries(type.fields.map((field) => [field.name, cellOf(field.type, field.nullable)])),
        { noNullPrototype: true },
      )
  }
}

export const randomTable: fc.Arbitrary<RandomTable> = fc
  .array(fc.tuple(ANY_TYPES, fc.boolean()), { minLength: 1, maxLength: 5 })
  .chain((types) => {
    const fields = types.map(([type, nullable], i): ColumnField => ({ name: `c${i}`, type, nullable }))
    const row = fc.tuple(...fields.map(({ type, nullable }) => cellOf(type, nullable)))
    return fc.record({ fields: fc.constant(fields), rows: fc.array(row, { maxLength: 40 }) })
  })

/** The same value in a form that `deepEqual` compares: bytes as hex, maps as pairs in the order of their keys. */
export function comparable(cell: Cell): unknown {
  if (cell instanceof Uint8Array) return `0x${Buffer.from(cell).toString('hex')}`
  if (cell instanceof Map) {
    const pairs = [...(cell as ReadonlyMap<string, Cell>)].map(([key, value]) => [key, comparable(value)] as const)
    return pairs.toSorted(([a], [b]) => (a < b ? -1 : 1))
  }
  if (Array.isArray(cell)) return (cell as readonly Cell[]).map(comparable)
  if (cell !== null && typeof cell === 'object') {
    return Object.fromEntries(Object.entries(cell).map(([name, value]) => [name, comparable(value as Cell)]))
  }
  return cell
}
