import type { JsonValue } from '../../domain/dead-letter.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { DescribedColumn, SourceBatch } from '../../ports/source-connector.ts'
import { createEncoder } from '../encode.ts'
import { declaredType } from './declared-type.ts'
import { draftSchema, type InferredColumn } from './draft-schema.ts'
import { draftType } from './draft-type.ts'
import { KeySearch, pairsOf } from './key-search.ts'
import { guessPii } from './pii-guess.ts'
import { ValueProfile } from './value-profile.ts'

export interface InferRequest {
  /** Reads the rows again from the first, as often as it is called. */
  readonly read: () => AsyncIterable<SourceBatch>
  readonly subject: string
  /** The record's name in the schema. */
  readonly name: string
  /** Rows to look at; null for all. */
  readonly maxRows: number | null
  /** What the data's own schema declares: types come from it, all else from the rows. */
  readonly declared?: readonly DescribedColumn[]
}

export interface InferredContract {
  readonly subject: string
  /** The Avro schema. */
  readonly schema: { readonly [key: string]: JsonValue }
  readonly columns: readonly InferredColumn[]
  /** Columns that name a row; null where none do. */
  readonly key: readonly string[] | null
  /** All that were found. */
  readonly keys: readonly (readonly string[])[]
  readonly rows: number
  /** Rows that uniqueness was looked at over. */
  readonly keyRows: number
  /** False where there may be more rows than were looked at. */
  readonly isWhole: boolean
  /** Lines that no row could be made of. */
  readonly refused: number
  /** The first of them, and why. */
  readonly firstRefused: string | null
}

/**
 * Drafts a contract from rows: types, what may be null, what seems to name a row, what seems personal. Memory is
 * bounded whatever the number of rows. Guarantee: every row that was looked at can be written by the draft.
 */
export async function inferContract(request: InferRequest): Promise<InferredContract> {
  const seen = await profileRows(request)
  if (seen.rows === 0) {
    const none = 'there is no row to draft a contract from'
    const why = seen.refused === 0 ? none : `${none}: none of ${seen.refused} lines is one; ${seen.firstRefused}`
    throw new SluiceError('SOURCE_UNREADABLE', why, { hint: 'Name a file with a header and at least one row.' })
  }
  if (seen.profiles.size === 0) {
    throw new SluiceError('SOURCE_UNREADABLE', 'the rows have no columns to draft a contract from', {
      hint: 'Values that a source copies unread (`values: bytes`) have the contract of the other side.',
    })
  }
  const drafts = [...seen.profiles].map(([name, profile]) => draftColumn(request, { name, profile, rows: seen.rows }))
  const keys = await findKeys(request, seen, drafts)
  const key = keys.found[0] ?? null
  const proved = await proveDraft(request, drafts)
  return {
    subject: request.subject,
    schema: draftSchema(
      request.name,
      proved,
      `Drafted from ${seen.isWhole ? 'all' : 'the first'} ${seen.rows} rows; mend what it got wrong.`,
    ),
    columns: proved,
    key,
    keys: keys.found,
    rows: seen.rows,
    keyRows: keys.rows,
    isWhole: seen.isWhole,
    refused: seen.refused,
    firstRefused: seen.firstRefused,
  }
}

interface SeenRows {
  readonly profiles: ReadonlyMap<string, ValueProfile>
  readonly search: KeySearch
  readonly rows: number
  readonly refused: number
  readonly firstRefused: string | null
  readonly isWhole: boolean
}

async function profileRows(request: InferRequest): Promise<SeenRows> {
  const profiles = new Map<string, ValueProfile>()
  let search: KeySearch | null = null
  let rows = 0
  let refused = 0
  let firstRefused: string | null = null
  let isWhole = true
  for await (const batch of rowsOf(request)) {
    refused += batch.refused.length
    const [first] = batch.refused
    if (first !== undefined) firstRefused ??= `line ${first.at}: ${first.message}`
    isWhole &&= !batch.isCut
    if (batch.rows.length === 0) continue
    search ??= new KeySearch(batch.columns.map((column) => [column]))
    for (const name of batch.columns) {
      if (profiles.has(name)) continue
      const profile = new ValueProfile()
      // rows before had no such column
      profile.values = rows
      profile.nulls = rows
      profiles.set(name, profile)
    }
    for (const { values } of batch.rows) {
      rows += 1
      batch.columns.forEach((name, index) => profiles.get(name)!.add(values[index] ?? null, batch.textual))
      search.add(batch.columns, values)
    }
    for (const [name, profile] of profiles) {
      const absent = rows - profile.values
      if (!batch.columns.includes(name)) {
        profile.values += absent
        profile.nulls += absent
      }
    }
  }
  return { profiles, search: search ?? new KeySearch([]), rows, refused, firstRefused, isWhole }
}

async function* rowsOf({ read, maxRows }: InferRequest): AsyncGenerator<SourceBatch & { readonly isCut: boolean }> {
  let left = maxRows ?? Number.POSITIVE_INFINITY
  for await (const batch of read()) {
    if (left <= 0) return
    const isCut = batch.rows.length >= left
    yield { ...batch, rows: isCut ? batch.rows.slice(0, left) : batch.rows, isCut }
    left -= batch.rows.length
  }
}

interface ProfiledColumn {
  readonly name: string
  readonly profile: ValueProfile
  readonly rows: number
}

function draftColumn({ declared }: InferRequest, { name, profile, rows }: ProfiledColumn): InferredColumn {
  const said = declared?.find((column) => column.name === name)
  const { type, note } = said === undefined || said.type === null ? draftType(profile, name) : declaredType(said)
  const pii = guessPii(name, profile)
  const hint = pii === null && type === 'string' ? seenHint(profile, rows) : null
  return {
    name,
    type,
    nullable: profile.nulls + profile.empties > 0,
    pii,
    notes: [note, hint].filter((each) => each !== null),
  }
}

/** A text that takes few values, each of them often: told, not made a rule. */
function seenHint({ seen, present }: ValueProfile, rows: number): string | null {
  if (seen === null || rows < 8 || seen.size > 12 || seen.size * 4 > present) return null
  return `seen: ${[...seen.keys()].toSorted().join(', ')}`
}

interface Keys {
  readonly found: readonly (readonly string[])[]
  readonly rows: number
}

/** Single columns first, those that are called a key before others; without any, pairs. */
async function findKeys(request: InferRequest, seen: SeenRows, drafts: readonly InferredColumn[]): Promise<Keys> {
  const byName = new Map(drafts.map((draft) => [draft.name, draft]))
  const single = seen.search.found().filter(([name]) => canBeKey(byName.get(name!)))
  if (single.length > 0) {
    return {
      found: single.toSorted((a, b) => keyRank(byName.get(a[0]!)!) - keyRank(byName.get(b[0]!)!)),
      rows: seen.search.rows,
    }
  }
  const candidates = drafts
    .filter((draft) => canBeKey(draft) && !draft.nullable)
    .toSorted((a, b) => keyRank(a) - keyRank(b))
    .slice(0, 8)
    .map(({ name }) => name)
  if (candidates.length < 2) return { found: [], rows: seen.rows }
  const pairs = new KeySearch(pairsOf(candidates))
  for await (const { columns, rows } of rowsOf(request)) for (const { values } of rows) pairs.add(columns, values)
  return { found: pairs.found(), rows: pairs.rows }
}

function canBeKey(draft: InferredColumn | undefined): boolean {
  if (draft === undefined || draft.nullable) return false
  if (draft.type === 'string' || draft.type === 'int' || draft.type === 'long') return true
  return typeof draft.type === 'object' && JSON.stringify(draft.type).includes('"date"')
}

function keyRank({ name, pii, type }: InferredColumn): number {
  const called = /^(id|uuid|guid|key)$/i.test(name)
    ? 0
    : /(_id|Id|ID|_key|_no|_nr|_number|_code|_uuid)$/.test(name)
      ? 1
      : 2
  return called + (pii === null ? 0 : 10) + (typeof type === 'object' ? 4 : 0)
}

/** A column that could not be written after all becomes a text, and says so. */
async function proveDraft(
  request: InferRequest,
  drafts: readonly InferredColumn[],
): Promise<readonly InferredColumn[]> {
  let columns = drafts
  for (let attempt = 0; attempt <= drafts.length; attempt += 1) {
    const failed = await firstRefused(request, columns)
    if (failed === null) return columns
    columns = columns.map((column) =>
      column.name === failed
        ? { ...column, type: 'string', nullable: true, notes: [...column.notes, 'some values fit no other type'] }
        : column,
    )
  }
  return columns
}

async function firstRefused(request: InferRequest, columns: readonly InferredColumn[]): Promise<string | null> {
  const text = JSON.stringify(draftSchema(request.name, columns, null))
  const encoder = createEncoder({ subject: request.subject, version: 0, id: 0, format: 'avro', text })
  for await (const batch of rowsOf(request)) {
    for (const { values } of batch.rows) {
      const encoded = encoder.encode(batch.columns, values, batch.textual)
      if (encoded.kind === 'encoded') continue
      const field = encoded.errors[0]?.field ?? null
      const column = columns.find(({ name }) => name === field)
      // a nested value that fits no type stays as it is: its rows are refused, and the column says so
      if (column !== undefined && column.type !== 'string') return column.name
    }
  }
  return null
}
