import { foreignState } from '../../domain/watermark.ts'

/**
 * The keys that a source has sent, cut into ranges of the key's order: `segments` names them in that order, and each
 * `keys:<id>` holds the keys of one with a mark of the row that was sent. The last range has no upper bound. So a pass
 * holds one range in memory, and writes those that changed.
 */

const CHAIN = 'segments'
const PREFIX = 'keys:'

export interface KeySegment {
  readonly id: number
  /** The last key of the range, itself included; null for the last range. */
  readonly upTo: readonly string[] | null
  /** The key as a JSON array → the mark of its row, in base64. */
  readonly marks: ReadonlyMap<string, string>
}

/** Throws SOURCE_UNREADABLE where the entries are not of this form. */
export function readSegments(source: string, entries: ReadonlyMap<string, string>): KeySegment[] {
  const text = entries.get(CHAIN)
  if (text === undefined) return [{ id: 0, upTo: null, marks: new Map() }]
  try {
    return (JSON.parse(text) as number[]).map((id) => {
      const { upTo, marks } = JSON.parse(entries.get(PREFIX + id)!) as {
        upTo: string[] | null
        marks: [string, string][]
      }
      return { id, upTo, marks: new Map(marks) }
    })
  } catch {
    throw foreignState(source, CHAIN)
  }
}

/** Entries that turn `before` into `after`. */
export function changeSegments(
  before: readonly KeySegment[],
  after: readonly KeySegment[],
): Map<string, string | null> {
  const set = new Map<string, string | null>()
  const standing = new Set(before)
  const kept = new Set(after.map(({ id }) => id))
  for (const { id } of before) if (!kept.has(id)) set.set(PREFIX + id, null)
  for (const segment of after) {
    if (standing.has(segment)) continue
    set.set(PREFIX + segment.id, JSON.stringify({ upTo: segment.upTo, marks: [...segment.marks] }))
  }
  set.set(CHAIN, JSON.stringify(after.map(({ id }) => id)))
  return set
}
