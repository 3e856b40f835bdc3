import { foreignState } from '../../domain/watermark.ts'
import type { ColumnPlan } from './plan-columns.ts'

const ENTRY = 'columns'

export interface ColumnNotes {
  readonly notes: readonly string[]
  /** To be set with the next batch that has rows. */
  readonly progress: ReadonlyMap<string, string | null>
}

/**
 * What became of the table's columns since the last pass. What that means for the rows is the contract's to say: a value
 * that it cannot hold goes to the error lane, a column that it does not know travels in none.
 */
export function columnNotes({ source, table, columns }: ColumnPlan, from: ReadonlyMap<string, string>): ColumnNotes {
  const now = new Map(columns.map(({ travels, type }) => [travels, type]))
  const text = JSON.stringify([...now])
  const before = from.get(ENTRY)
  if (before === text) return { notes: [], progress: new Map() }
  const progress = new Map([[ENTRY, text]])
  if (before === undefined) return { notes: [], progress }
  const known = parseColumns(source, before)
  const notes: string[] = []
  for (const [name, type] of now) {
    const was = known.get(name)
    if (was === undefined) notes.push(`column ${name} of ${table} is new (${type})`)
    else if (was !== type) notes.push(`column ${name} of ${table} is ${type} now and was ${was}`)
  }
  for (const name of known.keys()) if (!now.has(name)) notes.push(`column ${name} of ${table} is gone`)
  return { notes, progress }
}

function parseColumns(source: string, text: string): ReadonlyMap<string, string> {
  try {
    return new Map(JSON.parse(text) as [string, string][])
  } catch {
    throw foreignState(source, ENTRY)
  }
}
