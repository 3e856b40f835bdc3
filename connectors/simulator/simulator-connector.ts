import { foreignState, noRange } from '../../src/domain/watermark.ts'
import type { SourceSettings } from '../../src/domain/settings.ts'
import { undeclaredColumn } from '../../src/ports/source-connector.ts'
import type { SourceBatch, SourceConnector, SourceRow } from '../../src/ports/source-connector.ts'
import { deliveriesOn } from './shop-day.ts'
import type { Delivery } from './shop-day.ts'
import { COLUMNS } from './columns.ts'
import { dateText, DAY_MS } from './shop/shop-event.ts'
import { readSimulatorOptions } from './simulator-options.ts'
import type { SimulatorOptions } from './simulator-options.ts'

export interface SimulatorSettings {
  readonly name: string
  readonly options: SourceSettings['options']
}

const BATCH_ROWS = 2000
/** How many days were handed out, and how many rows of the next one. */
const DAYS = 'days'
const ROWS = 'rows'

/** A made-up shop as a source; README.md says what it promises. */
export function createSimulatorConnector({ name, options }: SimulatorSettings): SourceConnector {
  const checked = readSimulatorOptions(name, options)
  return {
    discover: () =>
      Promise.resolve({
        objects: [
          { name: checked.stream, columns: COLUMNS[checked.stream].map(undeclaredColumn), key: [], bytes: null },
        ],
      }),
    read: (from, bounds = {}) => {
      if (bounds.to !== undefined) throw noRange(name)
      return readDay({ source: name, options: checked, from, signal: bounds.signal ?? null })
    },
    close: () => Promise.resolve(),
  }
}

interface ReadRequest {
  readonly source: string
  readonly options: SimulatorOptions
  readonly from: ReadonlyMap<string, string>
  readonly signal: AbortSignal | null
}

async function* readDay({ source, options, from, signal }: ReadRequest): AsyncGenerator<SourceBatch> {
  const day = countAt(source, from, DAYS)
  const deliveries = deliveriesOn(options, day)
  const columns = COLUMNS[options.stream]
  const passed = countAt(source, from, ROWS)
  for (let at = passed; at === passed || at < deliveries.length; at += BATCH_ROWS) {
    if (signal?.aborted === true) return
    const end = Math.min(at + BATCH_ROWS, deliveries.length)
    const isLast = end >= deliveries.length
    yield await Promise.resolve({
      object: `${options.stream}/${dateText(options.facts.startMs + day * DAY_MS)}`,
      columns,
      textual: false,
      rows: deliveries.slice(at, end).map((delivery) => sourceRow(delivery, columns)),
      refused: [],
      progress: new Map([
        [DAYS, String(isLast ? day + 1 : day)],
        [ROWS, isLast ? null : String(end)],
      ]),
    })
  }
}

function sourceRow({ event, at, fault }: Delivery, columns: readonly string[]): SourceRow {
  const row = fault === null ? event.row : fault.breakRow(event.row)
  const values = columns.map((column) => row[column] ?? null)
  if (fault === null && event.isTombstone) {
    return { at, op: event.op, values, payload: { kind: 'tombstone' }, timestampMs: event.timeMs }
  }
  const payload = fault?.payload?.(event.row)
  return { at, op: event.op, values, ...(payload === undefined ? {} : { payload }) }
}

function countAt(source: string, from: ReadonlyMap<string, string>, entry: string): number {
  const text = from.get(entry) ?? '0'
  if (/^\d{1,7}$/.test(text)) return Number(text)
  throw foreignState(source, entry)
}
