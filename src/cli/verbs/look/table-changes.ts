import type { PlainRow } from '../../../operate/look/plain-rows.ts'
import {
  readTableChanges,
  showChanges,
  type ChangesSink,
  type ShownChanges,
} from '../../../operate/look/table-changes.ts'
import { JsonList } from '../../json-list.ts'
import type { Verb, VerbCall } from '../../verb.ts'
import { rowsText } from './query.ts'
import { TABLE } from './table-describe.ts'

const SHOWN_ROWS = 50

export const tableChanges: Verb = {
  positionals: [TABLE],
  flags: [
    {
      name: 'from',
      type: 'integer',
      value: 'VERSION',
      meaning: 'what changed since this version (default: the one before)',
    },
    { name: 'to', type: 'integer', value: 'VERSION', meaning: 'up to and with this version (default: the newest)' },
    {
      name: 'limit',
      type: 'integer',
      value: 'ROWS',
      meaning: `rows shown, of the added and of the removed ones each (without --json: ${SHOWN_ROWS} unless told)`,
    },
  ],
  notes: [
    'Compares two versions row for row, through the commits in between that changed data: a compaction shows nothing.',
    'What a contract tags as PII is masked.',
    'With --json rows are written as they come: an error after the first 64 KB ends the document short, and is told on stderr and by the exit code.',
  ],
  async run({ world: open, positionals, flags, json, print }) {
    const world = await open()
    const request = {
      table: positionals[0]!,
      from: flags.integer('from'),
      to: flags.integer('to'),
      limit: flags.integer('limit') ?? (json ? null : SHOWN_ROWS),
    }
    if (json) {
      const document = changesInto(print)
      await readTableChanges(world, request, document)
      await document.end()
    } else print.text(changesText(await showChanges(world, request)))
    return 0
  },
}

function changesInto(print: VerbCall['print']): ChangesSink & { end(): Promise<void> } {
  const list = new JsonList(print)
  const texts = (rows: readonly PlainRow[]): string[] => rows.map((row) => JSON.stringify(row))
  const between = '],"removed_rows":['
  let isPast = false
  return {
    counts({ table, from, to, added, removed, metadataChanged }) {
      const head = JSON.stringify({ table, from, to, added, removed, metadata_changed: metadataChanged })
      return list.text(`${head.slice(0, -1)},"added_rows":[`)
    },
    added: (rows) => list.add(texts(rows)),
    async removed(rows) {
      if (!isPast) await list.text(between)
      isPast = true
      return list.add(texts(rows))
    },
    async end() {
      await list.text(`${isPast ? '' : between}]}`)
      print.endParts()
    },
  }
}

function changesText(changes: ShownChanges): string {
  const { table, from, to, added, removed, addedRows, removedRows, metadataChanged } = changes
  const parts = [
    `${table} from version ${from} to ${to}: ${added} rows added, ${removed} removed${metadataChanged ? '; schema or properties changed' : ''}`,
  ]
  if (addedRows.length > 0) parts.push(`added${shownOf(addedRows.length, added)}\n${rowsText(addedRows)}`)
  if (removedRows.length > 0) parts.push(`removed${shownOf(removedRows.length, removed)}\n${rowsText(removedRows)}`)
  return parts.join('\n\n')
}

function shownOf(shown: number, all: number): string {
  return shown < all ? ` (${shown} of ${all} shown; --limit shows more)` : ''
}
