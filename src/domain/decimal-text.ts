/** Numbers as text, exactly: `digits × 10^exponent`, trailing zeros removed, so that equal numbers are equal values. */
export interface DecimalText {
  readonly digits: bigint
  readonly exponent: number
}

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?$/
const SMALL_INTEGER = /^-?\d{1,15}$/

/** Longer texts are refused: no column can hold them, and turning them into numbers costs time. */
const MAX_TEXT = 400

/** 10^77 is past what 38 digits at any scale can hold. */
const MAX_POWER = 77

export function parseDecimalText(text: string): DecimalText | null {
  if (text.length > MAX_TEXT) return null
  const match = NUMBER.exec(text)
  if (match === null) return null
  const whole = match[2]!
  const fraction = match[3] ?? ''
  if (whole.length + fraction.length === 0) return null
  const all = whole + fraction
  let end = all.length
  while (end > 0 && all.charCodeAt(end - 1) === 48) end -= 1
  if (end === 0) return { digits: 0n, exponent: 0 }
  const digits = BigInt(all.slice(0, end))
  const exponent = Number(match[4] ?? '0') - fraction.length + (all.length - end)
  return { digits: match[1] === '-' ? -digits : digits, exponent }
}

/** The unscaled value at `scale`, or null where digits would be lost or the value is absurdly large. */
export function scaleExactly(value: DecimalText, scale: number): bigint | null {
  const power = value.exponent + scale
  if (value.digits === 0n) return 0n
  return power < 0 || power > MAX_POWER ? null : value.digits * 10n ** BigInt(power)
}

/** An integer in any number text: `13995`, `13995.0`, `1.3995e4`. Null where it has a fraction or is no number. */
export function parseIntegerText(text: string): bigint | null {
  if (SMALL_INTEGER.test(text)) return BigInt(Number(text))
  const value = parseDecimalText(text)
  return value === null ? null : scaleExactly(value, 0)
}

/** The unscaled value of a decimal(precision, scale), or null where the text does not fit it exactly. */
export function parseDecimal(text: string, precision: number, scale: number): bigint | null {
  const value = parseDecimalText(text)
  if (value === null) return null
  const unscaled = scaleExactly(value, scale)
  return unscaled !== null && fitsPrecision(unscaled, precision) ? unscaled : null
}

export function fitsPrecision(unscaled: bigint, precision: number): boolean {
  const limit = 10n ** BigInt(precision)
  return unscaled < limit && unscaled > -limit
}

/** `-1.050` for -1050 at scale 3. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString()
  const negative = unscaled < 0n
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  return `${negative ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/**
 * A finite double whose shortest text is the same number as `text`, or a whole one that holds it to the last digit (2^60,
 * whose shortest text ends in zeros); null where the double would be another number.
 */
export function parseExactDouble(text: string): number | null {
  const value = parseDecimalText(text)
  const double = Number(text)
  if (value === null || !Number.isFinite(double)) return null
  const back = parseDecimalText(String(double))
  if (back !== null && back.digits === value.digits && back.exponent === value.exponent) return double
  if (value.exponent < 0 || !Number.isInteger(double)) return null
  return BigInt(double) === value.digits * 10n ** BigInt(value.exponent) ? double : null
}

/** A whole number of so many bytes is exact as a double. */
export const SHORT_BYTES = 6

/** `bigintOfBytes` of 1 to `SHORT_BYTES` bytes. */
export function shortOfBytes(bytes: Uint8Array, start: number, end: number): number {
  let short = (bytes[start]! << 24) >> 24
  for (let at = start + 1; at < end; at += 1) short = short * 256 + bytes[at]!
  return short
}

/** Two's complement, big-endian, as Avro and Parquet hold decimals. */
export function bigintOfBytes(bytes: Uint8Array, start: number, end: number): bigint {
  if (start >= end) return 0n
  if (end - start <= SHORT_BYTES) return BigInt(shortOfBytes(bytes, start, end))
  let value = BigInt(bytes[start]! >= 0x80 ? bytes[start]! - 0x100 : bytes[start]!)
  for (let at = start + 1; at < end; at += 1) value = (value << 8n) | BigInt(bytes[at]!)
  return value
}

/** The shortest two's complement, big-endian; exactly `size` bytes where given, null where it does not fit them. */
export function bytesOfBigint(value: bigint, size?: number): Uint8Array | null {
  let needed = 1
  while (BigInt.asIntN(needed * 8, value) !== value) needed += 1
  if (size !== undefined && needed > size) return null
  const out = new Uint8Array(size ?? needed)
  let rest = value
  for (let at = out.length - 1; at >= 0; at -= 1) {
    out[at] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return out
}
