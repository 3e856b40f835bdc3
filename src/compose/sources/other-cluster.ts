import { existsSync } from 'node:fs'
import { readOtherCluster } from '../../../connectors/kafka/other-cluster.ts'
import { openEmbeddedLog } from '../../adapters/embedded-log/embedded-log.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { SourceSettings } from '../../domain/settings.ts'
import type { Clock } from '../../ports/clock.ts'
import type { TopicLog } from '../../ports/topic-log.ts'

/** The log that a source copies from. It is read alone: no group is joined, no topic made, nothing appended. */
export async function openOtherLog(settings: SourceSettings, clock: Clock): Promise<TopicLog> {
  const other = readOtherCluster(settings)
  if (other.kind === 'embedded') {
    if (existsSync(other.dir)) return openEmbeddedLog({ dir: other.dir, clock })
    throw new SluiceError('SOURCE_UNREADABLE', `source ${settings.name}: there is no embedded log in ${other.dir}`, {
      where: { source: settings.name, file: other.dir },
      hint: `Mend sources.${settings.name}.log_dir: it is the folder that the other project's broker.dir names.`,
    })
  }
  const { openKafkaLog } = await import('../../adapters/kafka/kafka-log.ts')
  const { KAFKA_DEFAULTS } = await import('../../adapters/kafka/kafka-settings.ts')
  return openKafkaLog({ settings: { ...KAFKA_DEFAULTS, ...other, membersGroup: '' }, clock })
}
