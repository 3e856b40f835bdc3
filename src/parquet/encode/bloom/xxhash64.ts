/**
 * XXH64 with seed 0, which Parquet's Bloom filters take (xxHash's specification, "XXH64 Algorithm Description"). Numbers
 * of 64 bits are pairs of 32-bit halves here: BigInt arithmetic would cost a microsecond a value.
 */

const PRIME_1: Prime = [0x9e3779b1, 0x85ebca87]
const PRIME_2: Prime = [0xc2b2ae3d, 0x27d4eb4f]
const PRIME_3: Prime = [0x165667b1, 0x9e3779f9]
const PRIME_4: Prime = [0x85ebca77, 0xc2b2ae63]
const PRIME_5: Prime = [0x27d4eb2f, 0x165667c5]

type Prime = readonly [high: number, low: number]

/** A number of 64 bits that is changed in place. */
class Word {
  high = 0
  low = 0

  set(high: number, low: number): this {
    this.high = high | 0
    this.low = low | 0
    return this
  }

  add(high: number, low: number): this {
    const sum = (this.low >>> 0) + (low >>> 0)
    this.high = (this.high + high + (sum > 0xffffffff ? 1 : 0)) | 0
    this.low = sum | 0
    return this
  }

  addPrime([high, low]: Prime): this {
    return this.add(high, low)
  }

  xor(high: number, low: number): this {
    this.high ^= high
    this.low ^= low
    return this
  }

  multiply([high, low]: Prime): this {
    const a = this.low
    const upper = Math.imul(this.high, low) + Math.imul(a, high)
    // The full product of the low halves, by halves of 16 bits.
    const a0 = a & 0xffff
    const a1 = a >>> 16
    const b0 = low & 0xffff
    const b1 = low >>> 16
    const p00 = a0 * b0
    const middle = a1 * b0 + (p00 - (p00 % 0x10000)) / 0x10000
    const cross = a0 * b1 + (middle % 0x10000)
    this.high = (upper + a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) | 0
    this.low = Math.imul(a, low)
    return this
  }

  /** By 1 to 31 bits to the left. */
  rotate(bits: number): this {
    const { high, low } = this
    this.high = (high << bits) | (low >>> (32 - bits))
    this.low = (low << bits) | (high >>> (32 - bits))
    return this
  }

  /** XORs the word with itself moved right. */
  fold(bits: number): this {
    const { high, low } = this
    if (bits >= 32) this.low = low ^ (high >>> (bits - 32))
    else {
      this.low = low ^ ((low >>> bits) | (high << (32 - bits)))
      this.high = high ^ (high >>> bits)
    }
    return this
  }

  round(high: number, low: number): this {
    lane.set(high, low).multiply(PRIME_2)
    return this.add(lane.high, lane.low).rotate(31).multiply(PRIME_1)
  }

  /** Mixes another word in. */
  merge(word: Word): this {
    mixed.set(0, 0).round(word.high, word.low)
    return this.xor(mixed.high, mixed.low).multiply(PRIME_1).addPrime(PRIME_4)
  }
}

const lane = new Word()
const mixed = new Word()
const hash = new Word()
const [v1, v2, v3, v4] = [new Word(), new Word(), new Word(), new Word()]

/** The two halves of the hash of `bytes[start, end)`, written to `out`: high, low. */
export function xxhash64(bytes: DataView, start: number, end: number, out: Int32Array): void {
  const length = end - start
  let at = start
  if (length >= 32) {
    v1.set(PRIME_1[0], PRIME_1[1]).addPrime(PRIME_2)
    v2.set(PRIME_2[0], PRIME_2[1])
    v3.set(0, 0)
    v4.set(-PRIME_1[0] - 1, -PRIME_1[1])
    for (; at + 32 <= end; at += 32) {
      v1.round(bytes.getInt32(at + 4, true), bytes.getInt32(at, true))
      v2.round(bytes.getInt32(at + 12, true), bytes.getInt32(at + 8, true))
      v3.round(bytes.getInt32(at + 20, true), bytes.getInt32(at + 16, true))
      v4.round(bytes.getInt32(at + 28, true), bytes.getInt32(at + 24, true))
    }
    hash.set(0, 0)
    for (const [word, bits] of [
      [v1, 1],
      [v2, 7],
      [v3, 12],
      [v4, 18],
    ] as const) {
      mixed.set(word.high, word.low).rotate(bits)
      hash.add(mixed.high, mixed.low)
    }
    hash.merge(v1).merge(v2).merge(v3).merge(v4)
  } else hash.set(PRIME_5[0], PRIME_5[1])
  hash.add(0, length)
  for (; at + 8 <= end; at += 8) {
    mixed.set(0, 0).round(bytes.getInt32(at + 4, true), bytes.getInt32(at, true))
    hash.xor(mixed.high, mixed.low).rotate(27).multiply(PRIME_1).addPrime(PRIME_4)
  }
  if (at + 4 <= end) {
    mixed.set(0, bytes.getInt32(at, true)).multiply(PRIME_1)
    hash.xor(mixed.high, mixed.low).rotate(23).multiply(PRIME_2).addPrime(PRIME_3)
    at += 4
  }
  for (; at < end; at += 1) {
    mixed.set(0, bytes.getUint8(at)).multiply(PRIME_5)
    hash.xor(mixed.high, mixed.low).rotate(11).multiply(PRIME_1)
  }
  hash.fold(33).multiply(PRIME_2).fold(29).multiply(PRIME_3).fold(32)
  out[0] = hash.high
  out[1] = hash.low
}
