/** Room for more than these goes once it is not needed. */
const MOST_KEPT_RECORDS = 100_000

/** Positions of records in typed arrays that grow, and are used again after `clear`. */
export class RecordColumns {
  count = 0
  offsetDeltas = new Int32Array(0)
  timestampsMs = new Float64Array(0)
  keyStarts = new Int32Array(0)
  keyEnds = new Int32Array(0)
  valueStarts = new Int32Array(0)
  valueEnds = new Int32Array(0)
  headersStarts = new Int32Array(0)
  headersEnds = new Int32Array(0)

  clear(): void {
    if (this.offsetDeltas.length > MOST_KEPT_RECORDS) Object.assign(this, new RecordColumns())
    this.count = 0
  }

  /** Room for `more` records past `count`. */
  reserve(more: number): void {
    const least = this.count + more
    const size = this.offsetDeltas.length
    if (least <= size) return
    const next = Math.max(least, size * 3)
    this.offsetDeltas = grown(this.offsetDeltas, next)
    this.keyStarts = grown(this.keyStarts, next)
    this.keyEnds = grown(this.keyEnds, next)
    this.valueStarts = grown(this.valueStarts, next)
    this.valueEnds = grown(this.valueEnds, next)
    this.headersStarts = grown(this.headersStarts, next)
    this.headersEnds = grown(this.headersEnds, next)
    const times = new Float64Array(next)
    times.set(this.timestampsMs)
    this.timestampsMs = times
  }

  /** What `copyTo` takes. */
  get byteLength(): number {
    return this.count * BYTES_A_RECORD
  }

  /** A copy in `buffer` from `start` on, which is a multiple of eight. */
  copyTo(buffer: ArrayBuffer, start: number): CutColumns {
    const { count } = this
    let at = start + count * 8
    const next = (from: Int32Array): Int32Array<ArrayBuffer> => {
      const to = new Int32Array(buffer, at, count)
      to.set(from.subarray(0, count))
      at += count * 4
      return to
    }
    const timestampsMs = new Float64Array(buffer, start, count)
    timestampsMs.set(this.timestampsMs.subarray(0, count))
    return {
      count,
      timestampsMs,
      offsetDeltas: next(this.offsetDeltas),
      keyStarts: next(this.keyStarts),
      keyEnds: next(this.keyEnds),
      valueStarts: next(this.valueStarts),
      valueEnds: next(this.valueEnds),
      headersStarts: next(this.headersStarts),
      headersEnds: next(this.headersEnds),
    }
  }
}

export type CutColumns = Omit<RecordColumns, 'reserve' | 'clear' | 'copyTo' | 'byteLength'>

/** Seven positions and a time. */
const BYTES_A_RECORD = 7 * 4 + 8

function grown(from: Int32Array<ArrayBuffer>, size: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(size)
  to.set(from)
  return to
}
