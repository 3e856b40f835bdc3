import { isUtf8 } from 'node:buffer'
import { SluiceError } from '../../../domain/errors.ts'
import { formatTableName } from '../../../domain/identifier.ts'
import { fromLaneRecord, type LaneRecord } from '../../../error-lane/lane-record.ts'
import { openingKeys } from '../../../error-lane/seal.ts'
import { listLetters, selectLanes, type ListedLetter, type LettersWorld } from '../../../operate/look/list-letters.ts'
import type { World } from '../../../ports/world.ts'
import { escapeControls } from '../../format-table.ts'
import type { Verb } from '../../verb.ts'
import { placeText } from './letter-flags.ts'

const LEAST_DIGITS = 6

export const showVerb: Verb = {
  positionals: [{ name: 'ROW_ID', meaning: `a row_id, or its first ${LEAST_DIGITS} digits and more`, required: true }],
  flags: [{ name: 'unseal', type: 'switch', meaning: 'open what is sealed; that it was opened is logged' }],
  async run({ world: open, positionals, flags, print }) {
    const world = await open()
    const found = await findLetter(world, positionals[0]!)
    const shown = flags.on('unseal') ? unseal(world, found) : withText(found.record, found.state, null)
    print.result(shown, () => letterText(shown))
    return 0
  },
}

/** A lane record, its state, and its bytes as text where they are text. */
type ShownLetter = LaneRecord & {
  readonly state: ListedLetter['state']
  readonly raw_text: string | null
  readonly key_text: string | null
}

async function findLetter(world: LettersWorld, prefix: string): Promise<ListedLetter> {
  if (!/^[0-9a-f]+$/.test(prefix) || prefix.length < LEAST_DIGITS || prefix.length > 32) {
    throw new SluiceError('USAGE', `${JSON.stringify(prefix)} is no row_id: ${LEAST_DIGITS} to 32 hexadecimal digits`)
  }
  const found = new Map<string, ListedLetter>()
  for (const lane of await selectLanes(world, [])) {
    for await (const letter of listLetters(world, lane, { rowIdPrefix: prefix }))
      found.set(letter.record.row_id, letter)
  }
  const [first] = found.values()
  if (first === undefined)
    throw new SluiceError('LETTER_UNKNOWN', `no dead letter has a row_id that begins with ${prefix}`)
  if (found.size > 1) {
    throw new SluiceError('USAGE', `${found.size} letters have a row_id that begins with ${prefix}; give more digits`, {
      hint: `Two of them: ${[...found.keys()].slice(0, 2).join(', ')}.`,
    })
  }
  return first
}

/** Throws SEAL_KEY_MISSING where the key that sealed it is not set. */
function unseal(world: World, { record, state }: ListedLetter): ShownLetter {
  if (!record.sealed) return withText(record, state, null)
  const letter = fromLaneRecord(record, openingKeys(world.settings.errors))
  const table = formatTableName(record)
  const { runId, traceId } = world
  world.events.emit({ runId, traceId, jobName: 'errors show', type: 'letter.unsealed', table, rowId: record.row_id })
  return withText(record, state, { raw: letter.raw, key: letter.key, headers: letter.headers })
}

interface OpenedBytes {
  readonly raw: Uint8Array | null
  readonly key: Uint8Array | null
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array }[]
}

function withText(record: LaneRecord, state: ListedLetter['state'], opened: OpenedBytes | null): ShownLetter {
  const closed = record.sealed && opened === null
  const bytes = (text: string | null): Uint8Array | null =>
    text === null || closed ? null : Buffer.from(text, 'base64')
  const raw = opened === null ? bytes(record.raw) : opened.raw
  const key = opened === null ? bytes(record.key) : opened.key
  const plain: LaneRecord =
    opened === null
      ? record
      : {
          ...record,
          sealed: false,
          raw: base64(raw),
          key: base64(key),
          headers: opened.headers.map(({ key: name, value }): [string, string] => [name, base64(value) ?? '']),
        }
  return { ...plain, state, raw_text: textOf(raw), key_text: textOf(key) }
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64')
}

function textOf(bytes: Uint8Array | null): string | null {
  if (bytes === null || bytes[0] === 0 || !isUtf8(bytes)) return null
  return Buffer.from(bytes).toString('utf8')
}

function letterText(letter: ShownLetter): string {
  const lines: [string, string][] = [
    ['row_id', letter.row_id],
    ['state', letter.state],
    ['table', formatTableName(letter)],
    ['stage', letter.stage],
    ['place', placeText(letter)],
    ['record_ts', letter.record_ts ?? '-'],
    ['quarantined', letter.quarantined_at],
    ['schema id', String(letter.schema_id ?? '-')],
    ['contract id', String(letter.contract_id ?? '-')],
    ['run', letter.run_id],
    ...letter.errors.map((error): [string, string] => [
      'refused',
      `${error.code} ${error.field ?? '-'} (${error.rule}): ${error.message}`,
    ]),
    ['record', JSON.stringify(letter.record)],
    ['key', letter.sealed ? 'sealed' : (letter.key_text ?? letter.key ?? '-')],
    ['raw', letter.sealed ? 'sealed; --unseal opens it' : (letter.raw_text ?? letter.raw ?? '-')],
  ]
  return lines.map(([label, text]) => `${label.padEnd(12)}${escapeControls(text)}`).join('\n')
}
