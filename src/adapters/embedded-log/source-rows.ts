import type { SourceState, SourceStateChange } from '../../ports/topic-log.ts'
import type { LogDatabase } from './log-database.ts'
import { bigintOf } from './topic-rows.ts'

/** What sources have left with their appends (I9). Every function here runs inside a transaction of the caller. */

export function sequenceOf(db: LogDatabase, source: string): bigint {
  return bigintOf(db.sql('select sequence from sources where source = ?').get(source)?.['sequence'] ?? 0n)
}

export function readSourceState(db: LogDatabase, source: string): SourceState {
  const rows = db.sql('select entry, value from source_entries where source = ? order by entry').all(source)
  return {
    sequence: sequenceOf(db, source),
    entries: new Map(rows.map((row) => [String(row['entry']), String(row['value'])])),
  }
}

/** The caller has checked the sequence. Answers the new one. */
export function moveSource(db: LogDatabase, { source, expectedSequence, set }: SourceStateChange): bigint {
  const sequence = expectedSequence + 1n
  db.sql(
    'insert into sources (source, sequence) values (?, ?) on conflict (source) do update set sequence = excluded.sequence',
  ).run(source, sequence)
  const remove = db.sql('delete from source_entries where source = ? and entry = ?')
  const put = db.sql('insert or replace into source_entries (source, entry, value) values (?, ?, ?)')
  for (const [entry, value] of set) {
    if (value === null) remove.run(source, entry)
    else put.run(source, entry, value)
  }
  return sequence
}
