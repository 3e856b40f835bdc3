import { formatTableName, parseTableName } from '../../../domain/identifier.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'

/**
 * What a person let pass, beside the log that says so too: `_gate/bypasses/<layer.table>/<version>-<run>.json`. Log
 * clean-up, ours or another engine's, takes the commit away after some weeks; the note stays. Non-guarantee: a process
 * that dies right after the commit leaves no note. Stored, so its form is only ever extended.
 */
export interface BypassNote {
  readonly form: 1
  /** `layer.table` */
  readonly table: string
  readonly version: number
  /** ISO 8601. */
  readonly at: string
  /** `expect_…(column)` */
  readonly expectations: readonly string[]
  readonly reason: string
  readonly run_id: string
}

export async function keepBypassNote(lake: ObjectStore, note: BypassNote): Promise<void> {
  const version = String(note.version).padStart(20, '0')
  const path = `${folderOf(note.table)}${version}-${note.run_id}.json`
  await lake.putIfAbsent(path, Buffer.from(`${JSON.stringify(note)}\n`, 'utf8'))
}

/** Oldest first; a file that cannot be read as a note is left out. */
export async function readBypassNotes(lake: ObjectStore, table: string): Promise<readonly BypassNote[]> {
  const notes: BypassNote[] = []
  for await (const { path } of lake.list(folderOf(table))) {
    const bytes = await lake.read(path)
    const note = bytes === null ? null : parseNote(Buffer.from(bytes).toString('utf8'))
    if (note?.table === table) notes.push(note)
  }
  return notes.sort((a, b) => a.version - b.version)
}

function folderOf(table: string): string {
  return `_gate/bypasses/${formatTableName(parseTableName(table))}/`
}

function parseNote(text: string): BypassNote | null {
  try {
    const note = JSON.parse(text) as BypassNote
    const whole =
      note.form === 1 &&
      Number.isSafeInteger(note.version) &&
      Array.isArray(note.expectations) &&
      !Number.isNaN(Date.parse(note.at))
    return whole ? note : null
  } catch {
    return null
  }
}
