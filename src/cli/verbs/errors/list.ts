import { formatTableName, type TableName } from '../../../domain/identifier.ts'
import type { LetterFilter } from '../../../error-lane/ledger.ts'
import type { LaneRecord } from '../../../error-lane/lane-record.ts'
import { summariseLetters, type LetterGroup } from '../../../error-lane/summarise-letters.ts'
import { listLetters, selectLanes, type LettersWorld, type ListedLetter } from '../../../operate/look/list-letters.ts'
import { formatTable } from '../../format-table.ts'
import { JsonList } from '../../json-list.ts'
import { formatJson } from '../../frame/format-json.ts'
import type { Verb, VerbCall } from '../../verb.ts'
import { LETTER_FLAGS, placeText, readLetterFlags } from './letter-flags.ts'

/** Letters that people are shown where no limit is given. */
const SHOWN_LETTERS = 50

export const listVerb: Verb = {
  positionals: [{ name: 'TABLE', meaning: 'tables; all where none is named', required: false, repeated: true }],
  flags: [
    ...LETTER_FLAGS,
    {
      name: 'all',
      type: 'switch',
      meaning: 'also letters that were healed, those under a skip, and phantoms of attempts that came to nothing',
    },
    {
      name: 'limit',
      type: 'integer',
      value: 'N',
      meaning: `at most so many (without --json: ${SHOWN_LETTERS} unless told)`,
    },
  ],
  notes: [
    'A record that was refused several times is listed once. Private fields are masked; `errors show` says more.',
    'With --json letters are written as they come: an error after the first 64 KB ends the document short, and is told on stderr and by the exit code.',
  ],
  async run({ world: open, positionals, flags, json, print }) {
    const world = await open()
    const lanes = await selectLanes(world, positionals)
    const limit = flags.integer('limit') ?? (json ? Number.POSITIVE_INFINITY : SHOWN_LETTERS)
    const choice = { lanes, filter: readLetterFlags(flags), all: flags.on('all') }
    if (json) {
      await writeRecords(print, chosen(world, choice), limit)
      return 0
    }
    const shown: ListedLetter[] = []
    const summary = await summariseLetters(keepFirst(chosen(world, choice), shown, limit))
    print.text(listText(summary, shown))
    return 0
  },
}

/** `{"records": […]}`, as the letters are read. */
async function writeRecords(
  print: VerbCall['print'],
  letters: AsyncIterable<ListedLetter>,
  limit: number,
): Promise<void> {
  const list = new JsonList(print)
  await list.text('{"records":[')
  let written = 0
  if (limit > 0) {
    for await (const { record, state } of letters) {
      written += 1
      if (!(await list.add([formatJson({ ...record, state })])) || written >= limit) break
    }
  }
  await list.text(']}')
  print.endParts()
}

interface Choice {
  readonly lanes: readonly TableName[]
  readonly filter: LetterFilter
  readonly all: boolean
}

async function* chosen(world: LettersWorld, { lanes, filter, all }: Choice): AsyncIterable<ListedLetter> {
  for (const lane of lanes) {
    for await (const letter of listLetters(world, lane, filter)) if (all || letter.state === 'open') yield letter
  }
}

async function* keepFirst(
  letters: AsyncIterable<ListedLetter>,
  kept: ListedLetter[],
  limit: number,
): AsyncIterable<LaneRecord> {
  for await (const letter of letters) {
    if (kept.length < limit) kept.push(letter)
    yield letter.record
  }
}

function listText(
  summary: { readonly letters: number; readonly groups: readonly LetterGroup[] },
  shown: readonly ListedLetter[],
): string {
  if (summary.letters === 0) return 'no letters'
  const parts = [
    formatTable({
      heads: ['letters', 'stage', 'code', 'field', 'rule'],
      rows: summary.groups.map(({ letters, stage, code, field, rule }) => [letters, stage, code, field, rule]),
    }),
    '',
    formatTable({
      heads: ['row_id', 'table', 'place', 'code', 'field', 'message', 'state'],
      rows: shown.map(({ record, state }) => {
        const error = record.errors[0]
        return [
          record.row_id.slice(0, 12),
          formatTableName(record),
          placeText(record),
          error?.code,
          error?.field,
          error?.message,
          state,
        ]
      }),
    }),
  ]
  if (shown.length < summary.letters)
    parts.push('', `${shown.length} of ${summary.letters} letters; --limit shows more, --json all`)
  const first = shown[0]
  if (first !== undefined) parts.push('', `next: sluice errors show ${first.record.row_id.slice(0, 12)}`)
  return parts.join('\n')
}
