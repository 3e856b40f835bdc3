import type { RecordBatch } from '../../domain/record-batch.ts'

/**
 * What is judged at a stretch, at most: every batch has a price of its own (buffers for each column, a look at each
 * dictionary), so that the small batches of a log are put together before they are judged.
 */
const JOINED_BYTES = 4 * 1024 * 1024
/** Offsets of a batch are 32-bit deltas. */
const MOST_OFFSETS = 0x4000_0000n

/** Batches of one fetch as fewer and larger ones; all are there, in order, and join up as they did. */
export class BatchJoiner {
  /** Room for one joined batch: whoever reads a batch is done with it before the next one is made. */
  #room = new Uint8Array(0)
  #columns = columnsOf(0)

  #joinRun(run: readonly RecordBatch[]): RecordBatch {
    const first = run[0]!
    const count = run.reduce((sum, batch) => sum + batch.count, 0)
    const size = run.reduce((sum, batch) => sum + batch.bytes.length, 0)
    if (this.#room.length < size) this.#room = new Uint8Array(Math.max(size, JOINED_BYTES))
    const bytes = this.#room.subarray(0, size)
    if (this.#columns.offsetDeltas.length < count)
      this.#columns = columnsOf(Math.max(count, this.#columns.offsetDeltas.length * 2))
    const joined = firstOf(this.#columns, count)
    let row = 0
    let base = 0
    for (const batch of run) {
      bytes.set(batch.bytes, base)
      joined.timestampsMs.set(batch.timestampsMs, row)
      shift(batch.offsetDeltas, Number(batch.first - first.first), joined.offsetDeltas, row)
      for (const name of POSITIONS) shiftPositions(batch[name], base, joined[name], row)
      base += batch.bytes.length
      row += batch.count
    }
    const skips = run.flatMap((batch) => batch.skips)
    return { ...first, ...joined, next: run.at(-1)!.next, count, bytes, skips }
  }

  *join(batches: readonly RecordBatch[]): Generator<RecordBatch> {
    for (let at = 0; at < batches.length;) {
      const end = runEnd(batches, at)
      yield end === at + 1 ? batches[at]! : this.#joinRun(batches.slice(at, end))
      at = end
    }
  }
}

type Columns = Pick<RecordBatch, 'offsetDeltas' | 'timestampsMs' | (typeof POSITIONS)[number]>

function columnsOf(count: number): Columns {
  return {
    offsetDeltas: new Int32Array(count),
    timestampsMs: new Float64Array(count),
    keyStarts: new Int32Array(count),
    keyEnds: new Int32Array(count),
    valueStarts: new Int32Array(count),
    valueEnds: new Int32Array(count),
    headersStarts: new Int32Array(count),
    headersEnds: new Int32Array(count),
  }
}

function firstOf(columns: Columns, count: number): Columns {
  return {
    offsetDeltas: columns.offsetDeltas.subarray(0, count),
    timestampsMs: columns.timestampsMs.subarray(0, count),
    keyStarts: columns.keyStarts.subarray(0, count),
    keyEnds: columns.keyEnds.subarray(0, count),
    valueStarts: columns.valueStarts.subarray(0, count),
    valueEnds: columns.valueEnds.subarray(0, count),
    headersStarts: columns.headersStarts.subarray(0, count),
    headersEnds: columns.headersEnds.subarray(0, count),
  }
}

const POSITIONS = ['keyStarts', 'keyEnds', 'valueStarts', 'valueEnds', 'headersStarts', 'headersEnds'] as const

/** One past the last of the batches from `at` on that go together. */
function runEnd(batches: readonly RecordBatch[], at: number): number {
  const first = batches[at]!
  if (first.keptBack !== undefined) return at + 1
  let bytes = first.bytes.length
  let end = at + 1
  for (; end < batches.length; end += 1) {
    const [last, batch] = [batches[end - 1]!, batches[end]!]
    bytes += batch.bytes.length
    const follows = batch.topic === first.topic && batch.partition === first.partition && batch.first === last.next
    const fits = bytes <= JOINED_BYTES && batch.next - first.first <= MOST_OFFSETS
    if (!follows || !fits || batch.keptBack !== undefined) break
  }
  return end
}

/** Lengths are asked for once: where code is not optimised to the end, each asking is a call. */
// oxlint-disable-next-line eslint/max-params -- a loop of its own, so that it is compiled on its own
function shift(from: Int32Array, by: number, to: Int32Array, at: number): void {
  const { length } = from
  for (let i = 0; i < length; i += 1) to[at + i] = from[i]! + by
}

/** -1 stands for what is not there, and stays. */
// oxlint-disable-next-line eslint/max-params -- see above
function shiftPositions(from: Int32Array, by: number, to: Int32Array, at: number): void {
  const { length } = from
  for (let i = 0; i < length; i += 1) {
    const place = from[i]!
    to[at + i] = place < 0 ? place : place + by
  }
}
