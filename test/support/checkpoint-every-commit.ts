import { setProperty } from './alter-table.ts'

/** As another writer would: a commit that sets `delta.checkpointInterval`. For a table with all its log entries. */
export function checkpointEveryCommit(table: string): Promise<void> {
  return setProperty(table, 'delta.checkpointInterval', '1')
}
