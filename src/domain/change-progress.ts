import { foreignState } from './watermark.ts'

/** How far a source has read a feed of changes: first all rows as they stood, then one taking of changes after another. */
export type ChangeProgress =
  /** All rows up to the key `after` (null: none yet), as they stood after taking `taken`. */
  | { readonly kind: 'start'; readonly taken: number; readonly after: readonly string[] | null }
  /** Taking `taken` up to its change `read`; null: all of it, so that it may be dropped. */
  | { readonly kind: 'taking'; readonly taken: number; readonly read: number | null }

/** The entry of a source's state that holds it. */
export const CHANGES_ENTRY = 'changes'

export function formatChangeProgress(progress: ChangeProgress): string {
  return JSON.stringify(progress)
}

/** Null where the source has not begun. Throws SOURCE_UNREADABLE where the entry is not one of these. */
export function readChangeProgress(source: string, entries: ReadonlyMap<string, string>): ChangeProgress | null {
  const text = entries.get(CHANGES_ENTRY)
  if (text === undefined) return null
  const parsed = parseChangeProgress(text)
  if (parsed === null) throw foreignState(source, CHANGES_ENTRY)
  return parsed
}

function parseChangeProgress(text: string): ChangeProgress | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof parsed !== 'object' || parsed === null || !('taken' in parsed) || !('kind' in parsed)) return null
  const { kind, taken } = parsed
  if (typeof taken !== 'number') return null
  if (kind === 'start' && 'after' in parsed) {
    const { after } = parsed
    if (after === null) return { kind, taken, after }
    return Array.isArray(after) && after.every((each): each is string => typeof each === 'string')
      ? { kind, taken, after }
      : null
  }
  if (kind === 'taking' && 'read' in parsed && (parsed.read === null || typeof parsed.read === 'number'))
    return { kind, taken, read: parsed.read }
  return null
}
