import type { LetterStage } from '../domain/dead-letter.ts'
import type { LaneRecord } from './lane-record.ts'
import { RowIdSet } from './row-id.ts'

/** Letters of one cause. */
export interface LetterGroup {
  readonly stage: LetterStage
  readonly code: string
  readonly field: string | null
  readonly rule: string
  /** Distinct row ids. */
  readonly letters: number
  readonly example: LaneRecord
}

/**
 * Groups by stage, code, field and rule, the most frequent first. A letter with several errors counts in each of its
 * groups. Holds one row id a letter and one example a group.
 */
export async function summariseLetters(
  letters: AsyncIterable<LaneRecord>,
): Promise<{ readonly letters: number; readonly groups: readonly LetterGroup[] }> {
  const seen = new RowIdSet()
  const groups = new Map<string, { -readonly [K in keyof LetterGroup]: LetterGroup[K] }>()
  for await (const letter of letters) {
    if (!seen.add(letter.row_id)) continue
    const counted = new Set<string>()
    for (const { code, field, rule } of letter.errors) {
      const key = JSON.stringify([letter.stage, code, field, rule])
      if (counted.has(key)) continue
      counted.add(key)
      const group = groups.get(key)
      if (group === undefined) groups.set(key, { stage: letter.stage, code, field, rule, letters: 1, example: letter })
      else group.letters += 1
    }
  }
  const sorted = [...groups.entries()].sort(([a, x], [b, y]) => y.letters - x.letters || (a < b ? -1 : 1))
  return { letters: seen.size, groups: sorted.map(([, group]) => group) }
}
