import { isExactObject, type ExactJson } from '../../domain/exact-json.ts'
import { invalidContract, type ContractPlace } from '../invalid.ts'

export type AvroLogical =
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'uuid' | 'date' }
  | { readonly kind: 'time'; readonly unit: 'millis' | 'micros' }
  /** Local timestamps are read as UTC (DESIGN §1), so both kinds are one. */
  | { readonly kind: 'timestamp'; readonly unit: 'millis' | 'micros' | 'nanos' }

interface Underlying {
  readonly kind: 'int' | 'long' | 'string' | 'bytes' | 'fixed'
  readonly size: number | null
}

const BY_NAME: Readonly<Record<string, { readonly on: readonly Underlying['kind'][]; readonly logical: AvroLogical }>> =
  {
    uuid: { on: ['string', 'fixed'], logical: { kind: 'uuid' } },
    date: { on: ['int'], logical: { kind: 'date' } },
    'time-millis': { on: ['int'], logical: { kind: 'time', unit: 'millis' } },
    'time-micros': { on: ['long'], logical: { kind: 'time', unit: 'micros' } },
    'timestamp-millis': { on: ['long'], logical: { kind: 'timestamp', unit: 'millis' } },
    'timestamp-micros': { on: ['long'], logical: { kind: 'timestamp', unit: 'micros' } },
    'timestamp-nanos': { on: ['long'], logical: { kind: 'timestamp', unit: 'nanos' } },
    'local-timestamp-millis': { on: ['long'], logical: { kind: 'timestamp', unit: 'millis' } },
    'local-timestamp-micros': { on: ['long'], logical: { kind: 'timestamp', unit: 'micros' } },
    'local-timestamp-nanos': { on: ['long'], logical: { kind: 'timestamp', unit: 'nanos' } },
  }

/**
 * A logical type that is unknown, or stands on the wrong type, is ignored, as the Avro specification asks ("Logical
 * Types"). A decimal with a precision or scale that cannot be is refused: ignoring it would land raw bytes.
 */
export function parseLogical(
  json: { readonly [key: string]: ExactJson },
  on: Underlying,
  place: ContractPlace,
): AvroLogical | null {
  const name = json['logicalType']
  if (typeof name !== 'string') return null
  if (name === 'decimal' && (on.kind === 'bytes' || on.kind === 'fixed')) return parseDecimalLogical(json, place)
  const known = Object.hasOwn(BY_NAME, name) ? BY_NAME[name]! : null
  if (known === null || !known.on.includes(on.kind)) return null
  return name === 'uuid' && on.kind === 'fixed' && on.size !== 16 ? null : known.logical
}

function parseDecimalLogical(json: ExactJson, place: ContractPlace): AvroLogical {
  const { precision, scale = 0 } = isExactObject(json) ? json : {}
  if (!isWhole(precision) || precision < 1)
    throw invalidContract(place, 'the precision of a decimal must be a whole number above 0')
  if (!isWhole(scale) || scale < 0 || scale > precision) {
    throw invalidContract(place, 'the scale of a decimal must be a whole number from 0 to its precision')
  }
  return { kind: 'decimal', precision, scale }
}

function isWhole(value: ExactJson | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value)
}
