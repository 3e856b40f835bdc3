import { resolve } from 'node:path'
import { SluiceError } from '../../../domain/errors.ts'
import type { RowSink } from '../../../ports/model-engine.ts'
import { csvLine } from '../../csv-text.ts'
import { JsonList } from '../../json-list.ts'
import { runQuery, type QueryWorld } from '../../../operate/look/query.ts'
import { plainRow, rowOf, type PlainRow } from '../../../operate/look/plain-rows.ts'
import { cellText, formatTable, type Cell } from '../../format-table.ts'
import type { Verb, VerbCall } from '../../verb.ts'

/** Rows that people are shown where no limit is given. */
const SHOWN_ROWS = 200
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/

export const queryVerb: Verb = {
  positionals: [
    { name: 'SQL', meaning: 'one SELECT; tables are named layer.table, as in silver.orders', required: true },
  ],
  flags: [
    { name: 'as-of', type: 'time', value: 'TIME', meaning: 'tables as they were at this time: ISO 8601, or -2h' },
    {
      name: 'staged',
      type: 'switch',
      meaning: 'where a result waits at its gate, the table as it would be with it',
    },
    {
      name: 'table',
      type: 'texts',
      value: 'NAME=URI',
      meaning: 'read the Delta table in a folder under this name; may be repeated',
    },
    {
      name: 'at',
      type: 'texts',
      value: 'TABLE=VERSION',
      meaning: 'read this table as one of its versions left it (`table history` tells them); may be repeated',
    },
    { name: 'csv', type: 'switch', meaning: 'all rows as CSV, written as they come' },
    {
      name: 'limit',
      type: 'integer',
      value: 'ROWS',
      meaning: `at most so many rows (without --json and --csv: ${SHOWN_ROWS} unless told)`,
    },
  ],
  notes: [
    'The SQL reads tables and nothing else: no files, no other statements.',
    'With --json: a list of row objects; integers beyond 2^53 are strings, decimals exact texts, times ISO 8601 UTC.',
    'With --csv: RFC 4180 with line feeds; null is nothing, an empty text "", lists and structs their JSON.',
    'Both write rows as they come, and hold few at a time. An error that comes after the first 64 KB (with --csv, the first rows) ends the output short: it is told on stderr, and by the exit code.',
    'With --table alone no settings are needed.',
  ],
  async run(call) {
    const { positionals, flags, json, print } = call
    const csv = flags.on('csv')
    if (csv && json) throw new SluiceError('USAGE', '--csv and --json are two forms of the same rows')
    const versions = new Map(flags.texts('at').map(readVersion))
    if (versions.size > 0 && flags.on('staged')) {
      throw new SluiceError('USAGE', '--staged is of now, and --at of then')
    }
    const places = new Map(flags.texts('table').map((text) => readPlace(text, call.cwd)))
    const limit = flags.integer('limit') ?? (json || csv ? null : SHOWN_ROWS)
    const request = {
      sql: positionals[0]!,
      asOfMs: flags.ms('as-of'),
      ...(flags.on('staged') ? { staged: { nowMs: await nowOf(call) } } : {}),
      places,
      versions,
    }
    const world = await openFor(call, places.size > 0)
    if (csv) {
      const lines = csvInto(print)
      await runQuery(world, { ...request, maxRows: limit, into: lines })
      await lines.end()
      return 0
    }
    if (json) {
      const list = listInto(print, limit)
      await runQuery(world, { ...request, maxRows: limit === null ? null : limit + 1, into: list })
      await list.end()
      return 0
    }
    const rows = await runQuery(world, {
      ...request,
      // One more than is shown tells whether there are more.
      maxRows: limit === null ? null : limit + 1,
    })
    const shown = limit === null ? rows : rows.slice(0, limit)
    print.text(rowsText(shown))
    if (shown.length < rows.length) print.step(cutAfter(shown.length))
    return 0
  },
}

function cutAfter(rows: number): string {
  return `cut after ${rows} rows; --limit shows more`
}

/** A list of row objects. It is asked for a row more than `limit`, which tells whether there are more. */
function listInto(print: VerbCall['print'], limit: number | null): RowSink & { end(): Promise<void> } {
  const list = new JsonList(print)
  let names: readonly string[] = []
  let seen = 0
  return {
    columns(all) {
      names = all
    },
    async rows(rows) {
      const shown = limit === null ? rows : rows.slice(0, Math.max(0, limit - seen))
      if (seen === 0) await list.text('[')
      seen += rows.length
      return list.add(shown.map((row) => JSON.stringify(plainRow(rowOf(names, row)))))
    },
    async end() {
      await list.text(seen === 0 ? '[]' : ']')
      print.endParts()
      if (limit !== null && seen > limit) print.step(cutAfter(limit))
    },
  }
}

/** The header goes out with the first rows: of a query that fails at once nothing is written. */
function csvInto(print: VerbCall['print']): RowSink & { end(): Promise<unknown> } {
  let head = ''
  return {
    columns(names) {
      head = csvLine(names)
    },
    rows(rows) {
      const text = head + rows.map(csvLine).join('')
      head = ''
      return print.piece(text)
    },
    end: () => print.piece(head),
  }
}

function readVersion(text: string): [string, number] {
  const parts = /^([A-Za-z_][\w.]*)=(\d{1,15})$/.exec(text)
  if (parts === null) throw new SluiceError('USAGE', `--at ${JSON.stringify(text)} is not TABLE=VERSION`)
  return [parts[1]!, Number(parts[2])]
}

async function nowOf(call: VerbCall): Promise<number> {
  if (call.flags.ms('as-of') !== null) throw new SluiceError('USAGE', '--staged is of now, and --as-of of then')
  return (await call.world()).clock.nowMs()
}

function readPlace(text: string, cwd: string): [string, string] {
  const cut = text.indexOf('=')
  const [name, uri] = [text.slice(0, cut), text.slice(cut + 1)]
  if (cut < 1 || uri === '' || !NAME.test(name)) {
    throw new SluiceError(
      'USAGE',
      `--table ${JSON.stringify(text)} is not NAME=URI, where NAME is letters, digits and "_"`,
    )
  }
  return [name, /^[a-z0-9]+:/i.test(uri) ? uri : resolve(cwd, uri)]
}

/** The project's world; where no settings are found and a table is given by its place, an engine alone. */
async function openFor(call: VerbCall, placesGiven: boolean): Promise<QueryWorld> {
  if (placesGiven && !hasSettings(call)) return { ...(await call.bench()), lake: null }
  return call.world()
}

function hasSettings(call: VerbCall): boolean {
  if (call.config.file !== null || (call.env['SLUICE_CONFIG'] ?? '') !== '') return true
  try {
    call.settings()
    return true
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'FILE_UNREADABLE' && error.where.file === undefined) return false
    throw error
  }
}

export function rowsText(rows: readonly PlainRow[]): string {
  const heads = Object.keys(rows[0] ?? {})
  if (heads.length === 0) return 'no rows'
  return formatTable({
    heads: heads.map((head) => cellText(head)),
    rows: rows.map((row) => heads.map((head) => cellOf(row[head]))),
  })
}

function cellOf(value: PlainRow[string] | undefined): Cell {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value
}
