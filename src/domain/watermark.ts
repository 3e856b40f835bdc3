import { SluiceError } from './errors.ts'

/**
 * How far a source has been read: the value of its watermark column as the source's own text, every digit kept, and the
 * primary key of the row that had it. So two rows of one value are told apart, and no precision is lost on the way.
 */
export interface Watermark {
  readonly value: string
  /** By position as in `primary_key`. Empty: before every row of that value. */
  readonly key: readonly string[]
}

/** The entry of a source's state that holds it. */
export const WATERMARK_ENTRY = 'watermark'

export function formatWatermark({ value, key }: Watermark): string {
  return JSON.stringify({ value, key })
}

/** Null where the source has not begun. Throws SOURCE_UNREADABLE where the entry is not one of these. */
export function readWatermark(source: string, entries: ReadonlyMap<string, string>): Watermark | null {
  const text = entries.get(WATERMARK_ENTRY)
  if (text === undefined) return null
  const parsed = parseWatermark(text)
  if (parsed === null) throw foreignState(source, WATERMARK_ENTRY)
  return parsed
}

export function parseWatermark(text: string): Watermark | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof parsed !== 'object' || parsed === null || !('value' in parsed) || !('key' in parsed)) return null
  const { value, key } = parsed
  if (typeof value !== 'string' || !Array.isArray(key)) return null
  return key.every((each): each is string => typeof each === 'string') ? { value, key } : null
}

export function foreignState(source: string, entry: string): SluiceError {
  return new SluiceError(
    'SOURCE_UNREADABLE',
    `the state of source ${source} holds an entry ${entry} that is not of this connector`,
    { where: { source }, hint: `Reset it with \`sluice checkpoint reset --source ${source}\`.` },
  )
}

/** For connectors whose rows have no watermark that a range could be told by. */
export function noRange(source: string): SluiceError {
  return new SluiceError(
    'SOURCE_NO_RANGE',
    `source ${source} has no watermark column, so no range of it can be read again`,
    {
      where: { source },
    },
  )
}
