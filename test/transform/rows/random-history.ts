import fc from 'fast-check'

/** One change of one key, as a topic brought it. Times are minutes of one day; null for a value that was not sent. */
export interface Change {
  readonly key: string
  readonly op: 'c' | 'u' | 'd'
  readonly minute: number | null
  readonly recordMinute: number
  readonly tie: string | null
  readonly value: string | null
  readonly epoch: number
  readonly partition: number
  /** Unique within epoch and partition. */
  readonly offset: number
}

const few = <T>(...values: T[]) => fc.constantFrom(...values)

/** Few keys, times and values, so that ties, repeats, deletions, re-inserts and late changes are common. */
export const randomHistory: fc.Arbitrary<readonly Change[]> = fc
  .array(
    fc.record({
      key: few('a', 'b', 'c'),
      kind: few('change', 'change', 'change', 'delete', 'tombstone'),
      minute: fc.integer({ min: 0, max: 7 }),
      recordMinute: fc.integer({ min: 0, max: 7 }),
      tie: few('x', 'y', 'é', 'Z'),
      value: few('1', '2', '', null),
      epoch: few(0, 0, 0, 1),
      partition: few(0, 1),
    }),
    { minLength: 1, maxLength: 24 },
  )
  .map((rows) =>
    rows.map(({ kind, ...row }, offset): Change => {
      if (kind === 'tombstone') return { ...row, op: 'd', minute: null, tie: null, value: null, offset }
      return { ...row, op: kind === 'delete' ? 'd' : 'u', offset }
    }),
  )

/** The history as a SELECT in brackets, with the columns that a model over changes has. */
export function historySql(changes: readonly Change[]): string {
  const rows = changes.map(({ key, op, minute, recordMinute, tie, value, epoch, partition, offset }) =>
    [
      text(key),
      text(op),
      minute === null ? 'cast(null as timestamp)' : timestampOf(minute),
      timestampOf(recordMinute),
      text(tie),
      text(value),
      epoch,
      partition,
      offset,
    ].join(', '),
  )
  const columns = 'k, _op, changed_at, _record_ts, tie, v, _epoch, _partition, _offset'
  return `(select ${columns} from (values ${rows.map((row) => `(${row})`).join(', ')}) as h(${columns}))`
}

export function timeOf(minute: number): string {
  return `2020-01-01T00:${String(minute).padStart(2, '0')}:00.000Z`
}

/** Negative where `a` comes before `b` in the change order (DESIGN §1), written out plainly. */
export function compareChanges(a: Change, b: Change): number {
  return (
    compare(sequenceOf(a) ?? -1, sequenceOf(b) ?? -1) ||
    compareTies(a.tie, b.tie) ||
    compare(a.epoch, b.epoch) ||
    compare(a.partition, b.partition) ||
    compare(a.offset, b.offset)
  )
}

export function sequenceOf({ minute, op, recordMinute }: Change): number | null {
  return minute ?? (op === 'd' ? recordMinute : null)
}

function compareTies(a: string | null, b: string | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function compare(a: number, b: number): number {
  return a - b
}

function timestampOf(minute: number): string {
  return `timestamp '2020-01-01 00:${String(minute).padStart(2, '0')}:00'`
}

function text(value: string | null): string {
  return value === null ? 'cast(null as varchar)' : `'${value}'`
}
