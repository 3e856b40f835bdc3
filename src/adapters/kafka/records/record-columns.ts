/** Positions of records in growing typed arrays. */
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

  /** The arrays cut to `count`; views, not copies. */
  cut(): Omit<RecordColumns, 'reserve' | 'cut'> {
    const { count } = this
    return {
      count,
      offsetDeltas: this.offsetDeltas.subarray(0, count),
      timestampsMs: this.timestampsMs.subarray(0, count),
      keyStarts: this.keyStarts.subarray(0, count),
      keyEnds: this.keyEnds.subarray(0, count),
      valueStarts: this.valueStarts.subarray(0, count),
      valueEnds: this.valueEnds.subarray(0, count),
      headersStarts: this.headersStarts.subarray(0, count),
      headersEnds: this.headersEnds.subarray(0, count),
    }
  }
}

function grown(from: Int32Array<ArrayBuffer>, size: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(size)
  to.set(from)
  return to
}
