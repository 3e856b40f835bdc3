import { showChanges } from '../../../operate/look/table-changes.ts'
import type { Verb } from '../../verb.ts'
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
  ],
  async run({ world: open, positionals, flags, json, print }) {
    const world = await open()
    const changes = await showChanges(world, {
      table: positionals[0]!,
      from: flags.integer('from'),
      to: flags.integer('to'),
      limit: flags.integer('limit') ?? (json ? null : SHOWN_ROWS),
    })
    const { table, from, to, added, removed, addedRows, removedRows, metadataChanged } = changes
    print.result(
      {
        table,
        from,
        to,
        added,
        removed,
        metadata_changed: metadataChanged,
        added_rows: addedRows,
        removed_rows: removedRows,
      },
      () => {
        const parts = [
          `${table} from version ${from} to ${to}: ${added} rows added, ${removed} removed${metadataChanged ? '; schema or properties changed' : ''}`,
        ]
        if (addedRows.length > 0) parts.push(`added${shownOf(addedRows.length, added)}\n${rowsText(addedRows)}`)
        if (removedRows.length > 0)
          parts.push(`removed${shownOf(removedRows.length, removed)}\n${rowsText(removedRows)}`)
        return parts.join('\n\n')
      },
    )
    return 0
  },
}

function shownOf(shown: number, all: number): string {
  return shown < all ? ` (${shown} of ${all} shown; --limit shows more)` : ''
}
