import { readDatabaseOptions } from '../../domain/database-source.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { SourceSettings } from '../../domain/settings.ts'
import { noRange } from '../../domain/watermark.ts'
import type { ChangingTable } from '../../ports/change-feed.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ReadBounds, SourceBatch, SourceConnector, SourceDescription } from '../../ports/source-connector.ts'
import type { TableSource } from '../../ports/table-source.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'
import { Patience, type Tries } from './patience.ts'
import { planColumns } from './plan-columns.ts'
import { readChanges } from './read-changes.ts'
import { readFull } from './read-full.ts'
import { readIncremental, readRange } from './read-incremental.ts'
import { tableRows } from './table-rows.ts'

export interface TableConnectorParts {
  readonly settings: Pick<SourceSettings, 'name' | 'options'>
  readonly table: TableSource | ChangingTable
  readonly clock: Pick<Clock, 'nowMs' | 'sleep' | 'random'>
  /** Of this source in this process; it outlives a connector. */
  readonly circuit: CircuitBreaker
}

/**
 * A table of a database as a source: rows behind the watermark, or all of them by key. The same for every database;
 * what differs stands in its `TableSource`.
 *
 * Guarantees: every row that was committed before a pass began is sent by it, unless it is as it was sent before; rows
 * of one watermark are told apart by their key; a restart goes on behind the last batch that came into the log. With
 * `overlap`, so is what a transaction shorter than it commits behind the watermark. With `full`, a key that is gone is
 * sent as a delete; with `stream`, so is each delete that the database kept.
 * Non-guarantees: states of a row between two passes; with `incremental`, rows that are deleted without a trace; rows
 * whose watermark or key is null, which are counted and told.
 */
export function createTableConnector({ settings, table, clock, circuit }: TableConnectorParts): SourceConnector {
  const { name } = settings
  const options = readDatabaseOptions(name, settings.options)
  return {
    discover: () => discover(table),
    read: (from, bounds = {}) => read(from, bounds),
    close: () => table.close(),
  }

  function read(from: ReadonlyMap<string, string>, bounds: ReadBounds): AsyncIterable<SourceBatch> {
    return circuit.guard(name, (tries) => pass(from, bounds, tries))
  }

  async function* pass(
    from: ReadonlyMap<string, string>,
    bounds: ReadBounds,
    tries: Tries,
  ): AsyncGenerator<SourceBatch> {
    if (bounds.to !== undefined && options.load.kind !== 'incremental') throw noRange(name)
    if (bounds.signal?.aborted === true) return
    const patient = new Patience({ clock, tries, signal: bounds.signal })
    const described = await patient.ask(() => table.describe())
    const plan = planColumns(name, options, described)
    const { signal } = bounds
    const look: TableSource['look'] = (request) => patient.ask(() => table.look(request))
    if (options.load.kind === 'stream') {
      const feed = 'feed' in table ? await table.feed() : null
      if (feed === null) throw noFeed(name)
      const startTable: Pick<TableSource, 'rows'> = { rows: (query, of) => feed.startRows(query, of) }
      const startRows = tableRows({ table: startTable, plan, options, clock, patient, signal })
      yield* readChanges({ plan, options, feed, look, startRows, patient, signal, from })
      return
    }
    const rows = tableRows({ table, plan, options, clock, patient, signal })
    const request = { plan, options, look, rows, from }
    if (options.load.kind === 'full') yield* readFull(request)
    else if (bounds.to !== undefined) yield* readRange(request, bounds.to)
    else yield* readIncremental(request)
  }
}

function noFeed(source: string): SluiceError {
  const key = `sources.${source}.load_type`
  return new SluiceError('SETTINGS_INVALID', `${key} is stream, which its connector does not have`, { where: { key } })
}

async function discover(table: TableSource): Promise<SourceDescription> {
  const { table: name, columns, key, bytes } = await table.describe()
  const travels = new Map(columns.map((column) => [column.name, column.travels]))
  return {
    objects: [
      {
        name,
        key: key.map((column) => travels.get(column) ?? column),
        bytes,
        columns: columns.map((column) => ({
          name: column.travels,
          type: column.type,
          holds: column.holds,
          nullable: column.nullable,
        })),
      },
    ],
  }
}
