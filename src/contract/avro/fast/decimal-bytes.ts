/** Decimals of up to 128 bits as bytes: two's complement, big-endian, as Avro writes them and columns hold them. */

/** The value in `[from, end)`, at most 16 bytes, with its sign drawn out to 16. No bytes are zero. */
// oxlint-disable-next-line eslint/max-params -- called for every value, where an object would be one a value
export function copyDecimal(bytes: Uint8Array, from: number, end: number, out: Uint8Array, place: number): void {
  const size = end - from
  const sign = size > 0 && bytes[from]! > 127 ? 255 : 0
  const pad = 16 - size
  for (let i = 0; i < pad; i += 1) out[place + i] = sign
  for (let i = 0; i < size; i += 1) out[place + pad + i] = bytes[from + i]!
}

const GREATEST = 2n ** 127n - 1n

/**
 * The least and the greatest of 128 bits that may stand, as eight words, highest first. A limit past what 128 bits hold
 * becomes their own end, which no decimal of 38 digits reaches: so it still lets pass all, or none.
 */
export function limitWords(low: bigint, high: bigint): Int32Array {
  const words = (limit: bigint): number[] => {
    const value = limit > GREATEST ? GREATEST : limit < -GREATEST - 1n ? -GREATEST - 1n : limit
    return [96n, 64n, 32n, 0n].map((by) => Number(BigInt.asIntN(32, value >> by)))
  }
  return Int32Array.from([...words(low), ...words(high)])
}

export function isWithin(view: DataView, at: number, limits: Int32Array): boolean {
  return compare(view, at, limits, 0) >= 0 && compare(view, at, limits, 4) <= 0
}

function compare(view: DataView, at: number, limits: Int32Array, first: number): number {
  const high = view.getInt32(at)
  if (high !== limits[first]!) return high < limits[first]! ? -1 : 1
  for (let i = 1; i < 4; i += 1) {
    const [word, limit] = [view.getUint32(at + i * 4), limits[first + i]! >>> 0]
    if (word !== limit) return word < limit ? -1 : 1
  }
  return 0
}
