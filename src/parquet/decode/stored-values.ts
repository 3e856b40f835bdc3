/** The present values of a page or chunk as they are stored. INT96 and fixed-length values are spans of bytes. */
export type StoredValues =
  | { readonly of: 'bits'; readonly data: Uint8Array }
  | { readonly of: 'int32'; readonly data: Int32Array }
  | { readonly of: 'int64'; readonly data: BigInt64Array }
  | { readonly of: 'float32'; readonly data: Float32Array }
  | { readonly of: 'float64'; readonly data: Float64Array }
  | { readonly of: 'spans'; readonly offsets: Int32Array; readonly data: Uint8Array }

/** Bytes that may still be made of what a file claims. */
export interface Budget {
  bytes: number
}

/** Takes bytes off the budget before they are made. */
export function spend(budget: Budget, bytes: number): number {
  budget.bytes -= bytes
  if (!(budget.bytes >= 0)) throw new RangeError('it unpacks to more bytes than are allowed')
  return bytes
}

/** The values that `indexes` names, in that order; -1 gives a zero value or an empty span. */
export function placeValues(values: StoredValues, indexes: Int32Array, budget: Budget): StoredValues {
  const count = indexes.length
  switch (values.of) {
    case 'bits':
      return { of: 'bits', data: place(values.data, indexes, new Uint8Array(spend(budget, count))) }
    case 'int32':
      return { of: 'int32', data: place(values.data, indexes, new Int32Array(spend(budget, count * 4) / 4)) }
    case 'float32':
      return { of: 'float32', data: place(values.data, indexes, new Float32Array(spend(budget, count * 4) / 4)) }
    case 'float64':
      return { of: 'float64', data: place(values.data, indexes, new Float64Array(spend(budget, count * 8) / 8)) }
    case 'int64': {
      const data = new BigInt64Array(spend(budget, count * 8) / 8)
      for (let i = 0; i < count; i += 1) if (indexes[i]! >= 0) data[i] = values.data[indexes[i]!]!
      return { of: 'int64', data }
    }
    case 'spans':
      return placeSpans(values, indexes, budget)
  }
}

function place<T extends Uint8Array | Int32Array | Float32Array | Float64Array>(
  from: T,
  indexes: Int32Array,
  to: T,
): T {
  for (let i = 0; i < indexes.length; i += 1) if (indexes[i]! >= 0) to[i] = from[indexes[i]!]!
  return to
}

/** Values of bytes. */
export type Spans = StoredValues & { readonly of: 'spans' }

function placeSpans({ offsets, data }: Spans, indexes: Int32Array, budget: Budget): StoredValues {
  const count = indexes.length
  const ends = new Int32Array(spend(budget, (count + 1) * 4) / 4)
  let total = 0
  for (let i = 0; i < count; i += 1) {
    const index = indexes[i]!
    if (index >= 0) total += offsets[index + 1]! - offsets[index]!
    if (total > MAX_SPAN_BYTES) throw new RangeError('a column of it holds more bytes than can be addressed')
    ends[i + 1] = total
  }
  const out = new Uint8Array(spend(budget, total))
  for (let i = 0; i < count; i += 1) {
    const index = indexes[i]!
    if (index < 0) continue
    const start = offsets[index]!
    copyBytes(data, start, { to: out, at: ends[i]!, size: offsets[index + 1]! - start })
  }
  return { of: 'spans', offsets: ends, data: out }
}

/** Below this, copying byte by byte beats the call of a bulk copy. */
const SHORT_BYTES = 32

export function copyBytes(
  from: Uint8Array,
  start: number,
  { to, at, size }: { readonly to: Uint8Array; readonly at: number; readonly size: number },
): void {
  if (size > SHORT_BYTES) to.set(from.subarray(start, start + size), at)
  else for (let i = 0; i < size; i += 1) to[at + i] = from[start + i]!
}

const MAX_SPAN_BYTES = 2 ** 31 - 1

export function evenOffsets(count: number, size: number): Int32Array {
  return Int32Array.from({ length: count + 1 }, (_, i) => i * size)
}

export function offsetsOf(lengths: Int32Array): Int32Array {
  const offsets = new Int32Array(lengths.length + 1)
  let total = 0
  for (let i = 0; i < lengths.length; i += 1) {
    total += lengths[i]!
    if (lengths[i]! < 0 || total > MAX_SPAN_BYTES) throw new RangeError('lengths of it are not possible')
    offsets[i + 1] = total
  }
  return offsets
}

/** The values of one page or more as one run; all are stored alike. */
export function joinValues(parts: readonly StoredValues[]): StoredValues {
  const first = parts[0]!
  if (parts.length === 1) return first
  switch (first.of) {
    case 'bits':
      return { of: 'bits', data: joinArrays(alike(parts, first), (length) => new Uint8Array(length)) }
    case 'int32':
      return { of: 'int32', data: joinArrays(alike(parts, first), (length) => new Int32Array(length)) }
    case 'int64':
      return { of: 'int64', data: joinArrays(alike(parts, first), (length) => new BigInt64Array(length)) }
    case 'float32':
      return { of: 'float32', data: joinArrays(alike(parts, first), (length) => new Float32Array(length)) }
    case 'float64':
      return { of: 'float64', data: joinArrays(alike(parts, first), (length) => new Float64Array(length)) }
    case 'spans': {
      const spans = parts.filter((part) => part.of === 'spans')
      const lengths = spans.map(({ offsets }) => offsets.subarray(1).map((end, i) => end - offsets[i]!))
      const bytes = spans.map(({ offsets, data }) => data.subarray(offsets[0]!, offsets.at(-1)!))
      return {
        of: 'spans',
        offsets: offsetsOf(joinArrays(lengths, (length) => new Int32Array(length))),
        data: joinArrays(bytes, (length) => new Uint8Array(length)),
      }
    }
  }
}

function alike<T extends Exclude<StoredValues, Spans>>(parts: readonly StoredValues[], like: T): T['data'][] {
  return parts.filter((part) => part.of === like.of).map((part) => part.data as T['data'])
}

interface Joinable<T> {
  readonly length: number
  set(part: T, at: number): void
}

function joinArrays<T extends Joinable<T>>(parts: readonly T[], make: (length: number) => T): T {
  const joined = make(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}
