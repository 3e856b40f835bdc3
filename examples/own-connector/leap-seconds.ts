import type { DescribedColumn, ReadBounds, SourceBatch, SourceConnector } from '../../src/ports/source-connector.ts'

/** A source of one's own, as short as one can be: the leap seconds, as if a service gave them out a page at a time. */
const LEAPS = [
  '1972-06-30',
  '1972-12-31',
  '1973-12-31',
  '1974-12-31',
  '1975-12-31',
  '1976-12-31',
  '1977-12-31',
  '1978-12-31',
]
const PAGE = 3
const OBJECT = 'leap_seconds'
const COLUMNS = ['day', 'total']
const DESCRIBED: readonly DescribedColumn[] = [
  { name: 'day', type: 'date', holds: { kind: 'date' }, nullable: false },
  { name: 'total', type: 'int', holds: { kind: 'int32' }, nullable: false },
]

export function createLeapSeconds(): SourceConnector {
  return {
    discover: () => Promise.resolve({ objects: [{ name: OBJECT, columns: DESCRIBED, key: ['day'], bytes: null }] }),
    read,
    close: () => Promise.resolve(),
  }
}

async function* read(from: ReadonlyMap<string, string>, { to, signal }: ReadBounds = {}): AsyncGenerator<SourceBatch> {
  // The watermark that the log kept with the last batch; days are in order, and each stands once.
  let watermark = from.get('watermark') ?? ''
  for (;;) {
    if (signal?.aborted === true) return
    const page = await fetchBehind(watermark, to)
    const last = page.at(-1)
    if (last === undefined) return
    watermark = last
    yield {
      object: OBJECT,
      columns: COLUMNS,
      textual: false,
      rows: page.map((day) => ({ at: day, op: 'c', values: [day, LEAPS.indexOf(day) + 11] })),
      refused: [],
      progress: new Map([['watermark', watermark]]),
    }
  }
}

/** The page of a service. */
function fetchBehind(day: string, to: string | undefined): Promise<readonly string[]> {
  return Promise.resolve(LEAPS.filter((leap) => leap > day && (to === undefined || leap < to)).slice(0, PAGE))
}
