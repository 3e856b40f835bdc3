import { checkBroker } from '../broker-settings.ts'
import { checkName } from '../../domain/identifier.ts'
import { suggestion } from '../../domain/nearest-word.ts'
import type { Settings } from '../../domain/settings.ts'
import type { Problem } from './problem.ts'
import { settingKey } from './resolve-settings.ts'
import type { Resolved } from './resolve-settings.ts'

/** Of a key that values are hashed under: a shorter one can be tried out. */
const LEAST_KEY = 16
/** Readers and writers may be at work on what was removed for so long. */
const LEAST_RETAIN_MS = 7 * 86_400_000

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
  const { lake, registry } = settings
  const folders = [
    ['lake', 'uri', lake.uri],
    ...(settings.broker.kind === 'embedded' ? ([['broker', 'dir', settings.broker.dir]] as const) : []),
    ...(registry.kind === 'embedded' ? ([['registry', 'dir', registry.dir]] as const) : []),
  ] as const
  for (const [group, key, folder] of folders) {
    const same = folders.find(([other, , place]) => other !== group && place === folder)
    if (same !== undefined && group !== 'lake')
      refuse([group, key], `is the folder of ${same[0]}.${same[1]} too; each needs its own`)
  }
  if (lake.s3.endpoint !== null && !/^https?:\/\/[^\s/]/.test(lake.s3.endpoint))
    refuse(['lake', 'endpoint'], 'needs an http:// or https:// address')
  if ((lake.s3.accessKeyId === null) !== (lake.s3.secretAccessKey === null))
    refuse(['lake', 'access_key_id'], 'access_key_id and secret_access_key go together')
  if (lake.s3.sessionToken !== null && lake.s3.accessKeyId === null)
    refuse(['lake', 'session_token'], 'needs access_key_id and secret_access_key')
  if (lake.s3.kmsKeyId !== null && lake.s3.encryption !== 'aws:kms')
    refuse(['lake', 'kms_key_id'], 'is of use with `sse: aws:kms` alone')
  if (registry.kind === 'confluent' && !/^https?:\/\/[^\s/]/.test(registry.url))
    refuse(['registry', 'url'], 'an http:// or https:// address is needed where registry.kind is confluent')
  if (registry.kind === 'confluent' && /^https?:\/\/[^/]*@/.test(registry.url))
    refuse(['registry', 'url'], 'holds credentials; they belong in registry.username and registry.password')
  const { vacuum } = settings.jobs
  if (vacuum.retainMs < LEAST_RETAIN_MS && !vacuum.allowShort)
    refuse(
      ['jobs', 'vacuum', 'retain'],
      'is shorter than 7d; `allow_short: true` takes it where nobody reads older versions',
    )
  checkBroker(settings.broker, refuse)
  const { watermarkMirror } = settings
  if (watermarkMirror.kind === 'ssm' && !/^(\/[\w.-]+){1,10}\/?$/.test(watermarkMirror.prefix))
    refuse(['watermark_mirror', 'prefix'], 'names of parameters begin with it: /sluice/prod')
  for (const { name, options } of settings.sources.values()) {
    const key = options['watermark_state_key']
    if (typeof key === 'string' && !/^[\w.-]{1,200}$/.test(key))
      refuse(['sources', name, 'watermark_state_key'], 'may hold letters, digits, "_", "." and "-"')
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
