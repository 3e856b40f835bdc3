import { encodeThrift, i32, struct } from '../thrift-compact.ts'
import { xxhash64 } from './xxhash64.ts'

/** Parquet's split block Bloom filter (Parquet format, "Bloom Filter"): what a column chunk surely does not hold. */

const BLOCK_WORDS = 8
const BLOCK_BYTES = 32
const SALTS = Int32Array.of(
  0x47b6137b,
  0x44974d91,
  0x8824ad5b,
  0xa2b7289d,
  0x705495c7,
  0x2df1424b,
  0x9efc4947,
  0x5c6bfb31,
)
/** At 1 % of false answers it serves about 1.6 million distinct values. */
const LARGEST_BYTES = 1 << 21
const FALSE_ANSWERS = 0.01

/**
 * Filled at its full size, then folded as far as false answers stay rare: the block of a value is chosen by the upper
 * bits of its hash, so two neighbours joined are the block of a filter half the size.
 */
export class BloomFilter {
  #words: Int32Array
  #view: DataView = new DataView(new ArrayBuffer(0))
  readonly #hash = new Int32Array(2)

  /** `values`: how many there will be at most, as far as that is known. */
  constructor(values: number) {
    let bytes = BLOCK_BYTES
    while (bytes < LARGEST_BYTES && bytes < values * 2) bytes *= 2
    this.#words = new Int32Array(bytes / 4)
  }

  /** All of `plain`, which holds values of one size. */
  addFixed(plain: Uint8Array, size: number): void {
    this.#look(plain)
    for (let at = 0; at < plain.length; at += size) this.#add(at, at + size)
  }

  /** All of `plain`: byte arrays, each after its length of four bytes. */
  addByteArrays(plain: Uint8Array): void {
    this.#look(plain)
    for (let at = 0; at < plain.length;) {
      const end = at + 4 + this.#view.getInt32(at, true)
      this.#add(at + 4, end)
      at = end
    }
  }

  /** Header and bits as they stand in a file. The filter is empty again. */
  take(): Uint8Array[] {
    let words = this.#words
    for (let half = folded(words); half !== null && falseAnswers(half) <= FALSE_ANSWERS; half = folded(half)) {
      words = half
    }
    const header = encodeThrift(
      struct([
        [1, i32(words.byteLength)],
        [2, struct([[1, struct([])]])],
        [3, struct([[1, struct([])]])],
        [4, struct([[1, struct([])]])],
      ]),
    )
    const bits = Buffer.from(words.buffer, words.byteOffset, words.byteLength)
    const parts = [header, Uint8Array.from(bits)]
    this.#words.fill(0)
    return parts
  }

  #look(plain: Uint8Array): void {
    this.#view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength)
  }

  #add(start: number, end: number): void {
    const words = this.#words
    const hash = this.#hash
    xxhash64(this.#view, start, end, hash)
    const blocks = words.length / BLOCK_WORDS
    const first = Math.floor(((hash[0]! >>> 0) * blocks) / 2 ** 32) * BLOCK_WORDS
    const low = hash[1]!
    for (let i = 0; i < BLOCK_WORDS; i += 1) words[first + i]! |= 1 << (Math.imul(low, SALTS[i]!) >>> 27)
  }
}

/** Half the size: each two neighbouring blocks joined; null for a single block. */
function folded(words: Int32Array): Int32Array | null {
  if (words.length <= BLOCK_WORDS) return null
  const half = new Int32Array(words.length / 2)
  for (let i = 0; i < half.length; i += 1) {
    const from = (i - (i % BLOCK_WORDS)) * 2 + (i % BLOCK_WORDS)
    half[i] = words[from]! | words[from + BLOCK_WORDS]!
  }
  return half
}

/** The share of absent values that a filter would call present. */
function falseAnswers(words: Int32Array): number {
  let sum = 0
  for (let block = 0; block < words.length; block += BLOCK_WORDS) {
    let chance = 1
    for (let i = block; i < block + BLOCK_WORDS; i += 1) chance *= ones(words[i]!) / 32
    sum += chance
  }
  return sum / (words.length / BLOCK_WORDS)
}

function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
