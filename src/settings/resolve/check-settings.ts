import { checkName } from '../../domain/identifier.ts'
import { suggestion } from '../../domain/nearest-word.ts'
import type { Settings } from '../../domain/settings.ts'
import type { Problem } from './problem.ts'
import { settingKey } from './resolve-settings.ts'
import type { Resolved } from './resolve-settings.ts'

/** Of a key that values are hashed under: a shorter one can be tried out. */
const LEAST_KEY = 16

/** What no single setting can tell: whether names that settings hold lead to something, and sizes fit together. Pure. */
export function checkReferences(settings: Settings, resolved: Resolved): Problem[] {
  const problems: Problem[] = []
  const refuse = (path: readonly string[], message: string): void => {
    const at = resolved.values.get(settingKey(path))?.at ?? { file: settings.file, line: null }
    problems.push({ key: path.join('.'), at, message: `${path.join('.')}: ${message}` })
  }
  const topics = [...settings.topics.keys()]
  const checkTopic = (path: readonly string[], topic: string): void => {
    if (!settings.topics.has(topic))
      refuse(path, `no topic ${topic} is declared under topics${suggestion(topic, topics)}`)
  }
  for (const source of settings.sources.values()) checkTopic(['sources', source.name, 'topic'], source.topic)
  for (const table of settings.tables.values()) {
    checkTopic(['tables', 'bronze', table.table, 'topic'], table.topic)
    try {
      checkName(table.subject, 'contract')
    } catch (error) {
      refuse(['tables', 'bronze', table.table, 'contract'], error instanceof Error ? error.message : String(error))
    }
    if (table.pinnedVersion === 0) refuse(['tables', 'bronze', table.table, 'contract'], 'versions begin at 1')
  }
  for (const topic of topics) {
    if (topic.endsWith('.errors')) refuse(['topics', topic], 'names that end in .errors are those of error lanes')
  }
  const folders = [
    ['lake', 'uri', settings.lake.uri],
    ['broker', 'dir', settings.broker.dir],
    ['registry', 'dir', settings.registry.dir],
  ] as const
  for (const [group, key, folder] of folders) {
    const same = folders.find(([other, , place]) => other !== group && place === folder)
    if (same !== undefined && group !== 'lake')
      refuse([group, key], `is the folder of ${same[0]}.${same[1]} too; each needs its own`)
  }
  const { lineage } = settings
  if (lineage.kind === 'file' && lineage.path === '')
    refuse(['lineage', 'path'], 'is needed where lineage.kind is file')
  if (lineage.kind === 'http' && !/^https?:\/\/[^\s/]/.test(lineage.url)) {
    refuse(['lineage', 'url'], 'an http:// or https:// address is needed where lineage.kind is http')
  }
  const { hashKey } = settings.privacy
  if (hashKey !== null && hashKey.length < LEAST_KEY)
    refuse(['privacy', 'hash_key'], `has ${hashKey.length} characters, and needs ${LEAST_KEY} or more`)
  if (settings.ingest.flushBytes > settings.ingest.memoryLimitBytes) {
    refuse(['ingest', 'flush_mb'], 'is more than ingest.memory_limit_mb')
  }
  return problems
}
