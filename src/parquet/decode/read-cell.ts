import type { ParquetParsers } from 'hyparquet'
import type { ColumnType } from '../../domain/column-batch.ts'

/**
 * A value as it was read: bigint for int64, timestamp (microseconds) and decimal (unscaled); days for a date; a map's
 * entries in order (a key `__proto__` is lost on the way).
 */
export type ParquetCell =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly ParquetCell[]
  | ReadonlyMap<string, ParquetCell>
  | { readonly [name: string]: ParquetCell }

/** Makes the reading library hand on exact values, where its own choice would be `Date`, which has milliseconds. */
export const EXACT_PARSERS: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (millis) => whenGiven(millis, (value) => value * 1000n),
  timestampFromMicroseconds: (micros) => whenGiven(micros, (value) => value),
  timestampFromNanoseconds: (nanos) => whenGiven(nanos, floorToMicros),
  dateFromDays: (days: number) => days,
  jsonFromBytes: (bytes: Uint8Array | null | undefined) => bytes && Buffer.from(bytes).toString('utf8'),
}

export function cellReader(type: ColumnType): (raw: unknown) => ParquetCell {
  const read = presentReader(type)
  return (raw) => (raw === null || raw === undefined ? null : read(raw))
}

function presentReader(type: ColumnType): (raw: unknown) => ParquetCell {
  switch (type.kind) {
    case 'boolean':
      return (raw) => raw === true || raw === 1
    case 'int32':
    case 'date':
    case 'float32':
    case 'float64':
      return Number
    case 'int64':
    case 'timestamp':
      return (raw) => (typeof raw === 'bigint' ? raw : BigInt(raw as number))
    case 'decimal':
      return (raw) => (raw instanceof Uint8Array ? signedBigEndian(raw) : BigInt(raw as number | bigint))
    case 'string':
      return (raw) => (raw instanceof Uint8Array ? Buffer.from(raw).toString('utf8') : (raw as string))
    case 'binary':
      return (raw) => raw as Uint8Array
    case 'list': {
      const read = cellReader(type.element)
      return (raw) => Array.from(raw as ArrayLike<unknown>, read)
    }
    case 'map': {
      const read = cellReader(type.value)
      return (raw) => new Map(Object.entries(raw as object).map(([key, value]) => [key, read(value)]))
    }
    case 'struct': {
      const readers = type.fields.map((field) => [field.name, cellReader(field.type)] as const)
      return (raw) => {
        const record = raw as Readonly<Record<string, unknown>>
        return Object.fromEntries(readers.map(([name, read]) => [name, read(record[name])]))
      }
    }
  }
}

function whenGiven(value: bigint | null | undefined, then: (value: bigint) => bigint): bigint | null {
  return value === null || value === undefined ? null : then(value)
}

function floorToMicros(nanos: bigint): bigint {
  const rest = nanos % 1000n
  return (nanos - (rest < 0n ? rest + 1000n : rest)) / 1000n
}

function signedBigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`))
}
