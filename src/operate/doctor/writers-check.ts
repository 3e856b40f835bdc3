import { formatTableName } from '../../domain/identifier.ts'
import { readHistory } from '../../lake/history.ts'
import { canOverwrite } from '../../lake/log/foreign-engine.ts'
import type { World } from '../../ports/world.ts'
import { listTables } from '../list-tables.ts'
import { ok, warn, type Finding } from './check.ts'

/** Of a table's commits, the newest. */
const COMMITS = 20

/** Whether engines that cannot share a log with other writers have written to tables of late. */
export async function checkWriters({ lake }: Pick<World, 'lake'>): Promise<Finding> {
  const found: string[] = []
  for (const name of await listTables(lake)) {
    const seen = await newestUnsafe(lake.at(`${name.layer}/${name.table}`))
    if (seen !== null) found.push(`version ${seen.version} of ${formatTableName(name)} is by ${seen.engine}`)
  }
  if (found.length === 0) return ok('no engine that cannot share a log has written to a table of late')
  return warn(
    `${found.join('; ')}: that engine does not write log entries by put-if-absent, and can overwrite one of ours`,
    'Let it write only while nothing of Sluice writes to the table (`sluice pause`), and see docs/interoperability.md.',
  )
}

async function newestUnsafe(store: World['lake']): Promise<{ version: number; engine: string } | null> {
  let looked = 0
  for await (const { version, engine } of readHistory(store)) {
    if (engine !== null && canOverwrite(engine)) return { version, engine }
    looked += 1
    if (looked >= COMMITS) break
  }
  return null
}
