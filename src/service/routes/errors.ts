import { formatTableName, type TableName } from '../../domain/identifier.ts'
import type { LaneRecord } from '../../error-lane/lane-record.ts'
import { summariseLetters } from '../../error-lane/summarise-letters.ts'
import { listLetters, selectLanes, type ListedLetter } from '../../operate/look/list-letters.ts'
import type { ServiceWorld } from '../../ports/service.ts'
import { jsonAnswer, type Route } from '../answer.ts'
import { keepFor } from '../kept.ts'

const SHOWN_LETTERS = 100
const MAX_LETTERS = 1000

/** The open letters of a table, or of all, in the form of `errors list --json`, without what is sealed or encoded. */
export function errorsRoute(world: ServiceWorld): Route {
  return {
    path: '/api/errors',
    access: 'token',
    async answer(query) {
      const limit = readLimit(query.get('limit'))
      if (limit === null) return jsonAnswer({ error: { message: `limit is a number from 1 to ${MAX_LETTERS}` } }, 400)
      const table = query.get('table')
      const records: object[] = []
      for (const lane of await selectLanes(world, table === null ? [] : [table])) {
        for await (const letter of openLetters(world, lane)) {
          if (records.length >= limit) return jsonAnswer({ records, cut: true })
          records.push(withoutBytes(letter))
        }
      }
      return jsonAnswer({ records, cut: false })
    },
  }
}

/** How many letters are open, and why; one with several errors counts under each of its rules. */
export function refusalsRoute(world: ServiceWorld, keepMs: number): Route {
  const read = keepFor(world.clock, keepMs, async () => {
    const refusals: object[] = []
    let total = 0
    for (const lane of await selectLanes(world, [])) {
      const summary = await summariseLetters(recordsOf(openLetters(world, lane)))
      total += summary.letters
      for (const { stage, code, field, rule, letters, example } of summary.groups) {
        refusals.push({ table: formatTableName(lane), stage, code, field, rule, letters, example: example.row_id })
      }
    }
    return { letters: total, refusals }
  })
  return { path: '/api/refusals', access: 'token', answer: async () => jsonAnswer(await read()) }
}

async function* openLetters(world: ServiceWorld, lane: TableName): AsyncIterable<ListedLetter> {
  for await (const letter of listLetters(world, lane, {})) if (letter.state === 'open') yield letter
}

async function* recordsOf(letters: AsyncIterable<ListedLetter>): AsyncIterable<LaneRecord> {
  for await (const { record } of letters) yield record
}

function withoutBytes({ record, state }: ListedLetter): object {
  const { raw: _raw, key: _key, headers: _headers, ...told } = record
  return { ...told, state }
}

function readLimit(text: string | null): number | null {
  if (text === null) return SHOWN_LETTERS
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  return limit >= 1 && limit <= MAX_LETTERS ? limit : null
}
