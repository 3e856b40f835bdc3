import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** As another writer would: a commit that sets `delta.checkpointInterval`. For a table with all its log entries. */
export async function checkpointEveryCommit(table: string): Promise<void> {
  const log = join(table, '_delta_log')
  const entries = (await readdir(log)).filter((name) => /^\d{20}\.json$/.test(name)).sort()
  const first = (await readFile(join(log, entries[0]!), 'utf8')).split('\n')
  const { metaData } = JSON.parse(first.find((line) => line.includes('"metaData"'))!) as {
    metaData: { configuration: object }
  }
  const configuration = { ...metaData.configuration, 'delta.checkpointInterval': '1' }
  const entry = `${JSON.stringify({ metaData: { ...metaData, configuration } })}\n`
  await writeFile(join(log, `${String(entries.length).padStart(20, '0')}.json`), entry, { flag: 'wx' })
}
