import type { ColumnBuilder } from '../../columns/builder.ts'
import { BytesBuilder } from '../../columns/bytes-builder.ts'
import {
  BooleanBuilder,
  Decimal128Builder,
  FloatBuilder,
  Int32Builder,
  Int64Builder,
} from '../../columns/scalar-builders.ts'
import { scalarMeaning, symbolBytes, type Meaning, type Scalar } from '../read/scalar-decoders.ts'
import type { AvroType } from '../schema.ts'

/**
 * How a value of the writer is written into a column at full speed. What stands nowhere here (casts by text, nested
 * types, general unions) is left to the plain decoder of its field.
 */
export type ValueCode =
  | { readonly kind: 'boolean' | 'int32' | 'float32' | 'float64' }
  /** An int or long, times `times`, in the unit of the column. */
  | { readonly kind: 'int64'; readonly from: 'int' | 'long'; readonly times: 1 | 1000 }
  /** `size` of a fixed; null where the length is written before the bytes. */
  | { readonly kind: 'decimal64' | 'decimal128' | 'binary'; readonly size: number | null }
  | { readonly kind: 'text'; readonly uuid: boolean }
  | { readonly kind: 'symbol'; readonly symbols: readonly Uint8Array[] }

/** What the writer wrote for a field: a value, or null under another branch of a union of the two. */
export interface WrittenValue {
  readonly code: ValueCode
  /** The bytes that stand for the branches; null where there is no union. */
  readonly branches: { readonly value: number; readonly empty: number } | null
}

const MAX_DECIMAL64_BYTES = 16

/** Null where the plain decoder must read the field. */
export function planValue(writer: AvroType, reader: AvroType, builder: ColumnBuilder): WrittenValue | null {
  const present = onlyBranch(reader)
  const written = onlyBranch(writer)
  if (present === null || written === null) return null
  const meaning = scalarMeaning(written, present)
  const code = meaning === null ? null : codeOf(written as Scalar, present as Scalar, { meaning, builder })
  if (code === null) return null
  if (writer.kind !== 'union') return { code, branches: null }
  const value = writer.branches.indexOf(written)
  return { code, branches: { value: value * 2, empty: (1 - value) * 2 } }
}

/** The type itself, or the other branch of a union of it and null. */
function onlyBranch(type: AvroType): AvroType | null {
  if (type.kind !== 'union') return type
  const others = type.branches.filter((branch) => branch.kind !== 'null')
  return type.branches.length === 2 && others.length === 1 ? others[0]! : null
}

interface CodeContext {
  readonly meaning: Meaning
  readonly builder: ColumnBuilder
}

function codeOf(writer: Scalar, reader: Scalar, { meaning, builder }: CodeContext): ValueCode | null {
  if (builder instanceof BytesBuilder) return bytesCode(writer, reader, { meaning, builder })
  switch (writer.kind) {
    case 'boolean':
      return builder instanceof BooleanBuilder ? { kind: 'boolean' } : null
    case 'float':
    case 'double': {
      const kind = writer.kind === 'float' ? 'float32' : 'float64'
      return builder instanceof FloatBuilder && builder.type.kind === kind ? { kind } : null
    }
    case 'int':
    case 'long':
      return integerCode(writer.kind, meaning, builder)
    case 'bytes':
    case 'fixed':
      return meaning.kind === 'decimal'
        ? decimalCode(writer.kind === 'fixed' ? writer.size : null, meaning.scale, builder)
        : null
    default:
      return null
  }
}

function integerCode(from: 'int' | 'long', meaning: Meaning, builder: ColumnBuilder): ValueCode | null {
  if (builder instanceof Int32Builder) {
    const same = builder.type.kind === 'date' ? 'date' : 'int'
    return from === 'int' && meaning.kind === same ? { kind: 'int32' } : null
  }
  if (!(builder instanceof Int64Builder)) return null
  const timed = meaning.kind === 'time' || meaning.kind === 'timestamp'
  const wanted = builder.type.kind === 'timestamp' ? 'timestamp' : timed ? 'time' : 'int'
  if (builder.type.kind === 'decimal' || meaning.kind !== wanted) return null
  if (!timed) return { kind: 'int64', from, times: 1 }
  return meaning.unit === 'nanos' ? null : { kind: 'int64', from, times: meaning.unit === 'millis' ? 1000 : 1 }
}

function decimalCode(size: number | null, scale: number, builder: ColumnBuilder): ValueCode | null {
  const wide = builder instanceof Decimal128Builder
  if (!wide && !(builder instanceof Int64Builder)) return null
  if (builder.type.kind !== 'decimal' || builder.type.scale !== scale) return null
  if (size !== null && (size < 1 || size > MAX_DECIMAL64_BYTES)) return null
  return { kind: wide ? 'decimal128' : 'decimal64', size }
}

function bytesCode(
  writer: Scalar,
  reader: Scalar,
  { meaning, builder }: CodeContext & { readonly builder: BytesBuilder },
): ValueCode | null {
  if (writer.kind === 'enum')
    return reader.kind === 'enum' ? { kind: 'symbol', symbols: symbolBytes(writer, reader) } : null
  if (writer.kind === 'string') {
    if (builder.type.kind !== 'string') return null
    return meaning.kind === 'string' || meaning.kind === 'uuid' ? { kind: 'text', uuid: meaning.kind === 'uuid' } : null
  }
  if (meaning.kind !== 'bytes' || builder.type.kind !== 'binary') return null
  if (writer.kind !== 'bytes' && writer.kind !== 'fixed') return null
  const size = writer.kind === 'fixed' ? writer.size : null
  return reader.kind === 'fixed' && reader.size !== size ? null : { kind: 'binary', size }
}
