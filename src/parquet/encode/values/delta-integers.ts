import { writeVarint } from '../varint.ts'

/**
 * DELTA_BINARY_PACKED (Parquet format, "Encodings"): what each integer adds to the one before, in as many bits as a run
 * of 32 needs. Times and offsets that rise, and amounts far below 2^63, take a fraction of their PLAIN size, which is
 * also what the compressor no longer has to look at.
 */

const BLOCK_VALUES = 128
const RUN_VALUES = 32
const RUNS = BLOCK_VALUES / RUN_VALUES
const WORD = 0x1_0000_0000
/** Values below 2^52 and differences below 2^52, so that doubles hold both, and twice as much, exactly. */
const MAX_HIGH = 0x10_0000
const MAX_HIGH_SPREAD = 0x8_0000
const MAX_INT32_SPREAD = 0x8000_0000

/** The differences of a block as 32-bit integers, then what each has beyond the least. */
const narrow = new Int32Array(BLOCK_VALUES)
/** The differences of a block of which some need more. */
const wide = new Float64Array(BLOCK_VALUES)
/** The high halves of what each of those has beyond the least; the low ones are in `narrow`. */
const uppers = new Int32Array(BLOCK_VALUES)

/** Bytes that `encodeDeltas` writes at most for `count` values of `size` bytes. */
export function deltaBound(count: number, size: number): number {
  return count * size + (Math.ceil(count / BLOCK_VALUES) + 1) * (BLOCK_VALUES * 4 + 16)
}

/** Whether differences of integers of `size` bytes between these bounds can be written. */
export function fitsDeltas(min: number | bigint, max: number | bigint, size: 4 | 8): boolean {
  if (size === 4) return Number(max) - Number(min) < MAX_INT32_SPREAD
  const least = Number(BigInt(min) >> 32n)
  const greatest = Number(BigInt(max) >> 32n)
  return least >= -MAX_HIGH && greatest < MAX_HIGH && greatest - least < MAX_HIGH_SPREAD
}

/**
 * Writes the integers, 8 bytes each as halves, low first, or 4, for which `fitsDeltas` must hold and of which there is
 * at least one, and returns the end.
 */
export function encodeDeltas(
  words: Int32Array,
  count: number,
  size: 4 | 8,
  target: { readonly out: Uint8Array; readonly at: number },
): number {
  const { out } = target
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength)
  let at = writeVarint(BLOCK_VALUES, out, target.at)
  at = writeVarint(RUNS, out, at)
  at = writeVarint(count, out, at)
  at = writeZigZag(valueAt(words, 0, size), out, at)
  // Blocks of one column are mostly alike, so that what the last one was is tried first: either way the same is written.
  let isWide = false
  for (let start = 1; start < count; start += BLOCK_VALUES) {
    const end = Math.min(start + BLOCK_VALUES, count)
    if (!isWide) isWide = size === 4 ? !takeInts(words, start, end) : !takeHalves(words, start, end)
    if (isWide) isWide = takeWide(words, start, end, size)
    at = isWide ? writeWide(view, out, at) : writeNarrow(view, out, at)
  }
  return at
}

/** The least difference of the block that was taken. */
let least = 0

/** Fills `narrow` with the differences; false where one needs more than 32 bits. What is left of a block is the least. */
function takeInts(words: Int32Array, start: number, end: number): boolean {
  let before = words[start - 1]!
  let low = MAX_INT32
  let overflow = 0
  for (let i = start; i < end; i += 1) {
    const value = words[i]!
    const delta = (value - before) | 0
    overflow |= (value ^ before) & (value ^ delta)
    narrow[i - start] = delta
    if (delta < low) low = delta
    before = value
  }
  if (overflow < 0) return false
  least = low
  narrow.fill(low, end - start)
  return true
}

/** The same of values whose high halves are alike; false where they are not. */
function takeHalves(words: Int32Array, start: number, end: number): boolean {
  const same = words[2 * start - 1]!
  // Signed, in the order of the unsigned halves.
  let before = words[2 * start - 2]! ^ SIGN
  let low = MAX_INT32
  let overflow = 0
  let other = 0
  for (let i = start; i < end; i += 1) {
    const value = words[2 * i]! ^ SIGN
    const delta = (value - before) | 0
    overflow |= (value ^ before) & (value ^ delta)
    other |= words[2 * i + 1]! ^ same
    narrow[i - start] = delta
    if (delta < low) low = delta
    before = value
  }
  if (overflow < 0 || other !== 0) return false
  least = low
  narrow.fill(low, end - start)
  return true
}

const SIGN = 0x8000_0000 | 0
const MAX_INT32 = 0x7fff_ffff
const MIN_INT32 = -0x8000_0000

/** Fills `wide`; true where a difference does need more than 32 bits, else they are in `narrow` as well. */
// oxlint-disable-next-line eslint/max-params -- called for every block, where an object would be one a block
function takeWide(words: Int32Array, start: number, end: number, size: 4 | 8): boolean {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  let before = valueAt(words, start - 1, size)
  for (let i = start; i < end; i += 1) {
    const value = valueAt(words, i, size)
    const delta = value - before
    wide[i - start] = delta
    if (delta < low) low = delta
    if (delta > high) high = delta
    before = value
  }
  wide.fill(low, end - start)
  least = low
  if (low < MIN_INT32 || high > MAX_INT32) return true
  for (let i = 0; i < BLOCK_VALUES; i += 1) narrow[i] = wide[i]!
  return false
}

function valueAt(words: Int32Array, i: number, size: 4 | 8): number {
  return size === 4 ? words[i]! : words[i * 2 + 1]! * WORD + (words[i * 2]! >>> 0)
}

function writeNarrow(view: DataView, out: Uint8Array, start: number): number {
  const base = least | 0
  const widths = writeZigZag(least, out, start)
  let at = widths + RUNS
  for (let run = 0; run < RUNS; run += 1) {
    const from = run * RUN_VALUES
    let bits = 0
    for (let i = from; i < from + RUN_VALUES; i += 1) bits |= (narrow[i]! - base) | 0
    const width = 32 - Math.clz32(bits)
    out[widths + run] = width
    if (width > 0) at = packNarrow(view, at, { from, width, base })
  }
  return at
}

function writeWide(view: DataView, out: Uint8Array, start: number): number {
  const widths = writeZigZag(least, out, start)
  let at = widths + RUNS
  for (let run = 0; run < RUNS; run += 1) {
    const from = run * RUN_VALUES
    let low = 0
    let high = 0
    for (let i = from; i < from + RUN_VALUES; i += 1) {
      const rest = wide[i]! - least
      const upper = (rest / WORD) | 0
      narrow[i] = rest
      uppers[i] = upper
      low |= rest
      high |= upper
    }
    const width = high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high)
    out[widths + run] = width
    if (width > 32) at = packWide(view, at, from, width)
    else if (width > 0) at = packNarrow(view, at, { from, width, base: 0 })
  }
  return at
}

/** Where a run of differences lies, the bits that each takes, and what is taken from each. */
interface NarrowRun {
  readonly from: number
  readonly width: number
  readonly base: number
}

/** 32 values of up to 32 bits fill as many words of 32 bits as a value has bits: put together by two where both fit a word. */
function packNarrow(view: DataView, start: number, { from, width, base }: NarrowRun): number {
  let at = start
  let held = 0
  let bits = 0
  if (width <= 16) {
    const step = width * 2
    for (let i = from; i < from + RUN_VALUES; i += 2) {
      const pair = (narrow[i]! - base) | 0 | (((narrow[i + 1]! - base) | 0) << width)
      held |= pair << bits
      bits += step
      if (bits >= 32) {
        view.setInt32(at, held, true)
        at += 4
        bits -= 32
        held = bits === 0 ? 0 : pair >>> (step - bits)
      }
    }
    return at
  }
  for (let i = from; i < from + RUN_VALUES; i += 1) {
    const rest = (narrow[i]! - base) | 0
    held |= rest << bits
    bits += width
    if (bits >= 32) {
      view.setInt32(at, held, true)
      at += 4
      bits -= 32
      held = bits === 0 ? 0 : rest >>> (width - bits)
    }
  }
  return at
}

/** The same of more than 32 bits: of each value the low word, then what is left. */
// oxlint-disable-next-line eslint/max-params -- as above
function packWide(view: DataView, start: number, from: number, width: number): number {
  const more = width - 32
  let at = start
  let held = 0
  let bits = 0
  for (let i = from; i < from + RUN_VALUES; i += 1) {
    const low = narrow[i]!
    view.setInt32(at, held | (low << bits), true)
    at += 4
    held = bits === 0 ? 0 : low >>> (32 - bits)
    const high = uppers[i]!
    held |= high << bits
    bits += more
    if (bits >= 32) {
      view.setInt32(at, held, true)
      at += 4
      bits -= 32
      held = bits === 0 ? 0 : high >>> (more - bits)
    }
  }
  return at
}

function writeZigZag(value: number, out: Uint8Array, at: number): number {
  return writeVarint(value >= 0 ? value * 2 : -value * 2 - 1, out, at)
}
