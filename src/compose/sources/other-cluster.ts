import { existsSync } from 'node:fs'
import type { OtherSide } from '../../../connectors/kafka/kafka-connector.ts'
import { readOtherCluster } from '../../../connectors/kafka/other-cluster.ts'
import { readOtherRegistry } from '../../../connectors/kafka/other-registry.ts'
import { openEmbeddedLog } from '../../adapters/embedded-log/embedded-log.ts'
import { openConfluentRegistry } from '../../adapters/registry/confluent/confluent-registry.ts'
import { openEmbeddedRegistry } from '../../adapters/registry/embedded-registry.ts'
import { checkEvolution } from '../../contract/evolution.ts'
import { jsonDecoder, registryDecoder } from '../../contract/foreign/value-decoders.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { SourceSettings } from '../../domain/settings.ts'
import type { Clock } from '../../ports/clock.ts'
import type { SchemaRegistry } from '../../ports/schema-registry.ts'
import type { TopicLog } from '../../ports/topic-log.ts'

/**
 * Cluster and registry that a source copies from. They are only read: no group is joined, no topic made, nothing
 * appended or registered.
 */
export async function openOtherSide(settings: SourceSettings, clock: Clock): Promise<OtherSide> {
  const { values } = settings.options
  const registry = values === 'registry' ? await openOtherRegistry(settings, clock) : null
  const log = await openOtherLog(settings, clock)
  return {
    log,
    decoder: registry !== null ? registryDecoder(registry) : values === 'json' ? jsonDecoder() : null,
    close: async () => {
      await log.close()
      await registry?.close()
    },
  }
}

async function openOtherLog(settings: SourceSettings, clock: Clock): Promise<TopicLog> {
  const other = readOtherCluster(settings)
  if (other.kind === 'embedded') {
    mustExist(settings, 'log_dir', other.dir)
    return openEmbeddedLog({ dir: other.dir, clock })
  }
  const { openKafkaLog } = await import('../../adapters/kafka/kafka-log.ts')
  const { KAFKA_DEFAULTS } = await import('../../adapters/kafka/kafka-settings.ts')
  return openKafkaLog({ settings: { ...KAFKA_DEFAULTS, ...other, membersGroup: '' }, clock })
}

async function openOtherRegistry(settings: SourceSettings, clock: Clock): Promise<SchemaRegistry> {
  const other = readOtherRegistry(settings)
  if (other.kind === 'confluent')
    return openConfluentRegistry({ address: other, compatible: checkEvolution, clock, isForeign: true })
  mustExist(settings, 'registry_dir', other.dir)
  return openEmbeddedRegistry({ dir: other.dir, compatible: checkEvolution, clock })
}

/** Opening an embedded one makes its folder, which is not ours to make. */
function mustExist({ name }: SourceSettings, option: string, dir: string): void {
  if (existsSync(dir)) return
  throw new SluiceError('SOURCE_UNREADABLE', `source ${name}: there is no folder ${dir}`, {
    where: { source: name, file: dir },
    hint: `Mend sources.${name}.${option}: it is a folder that another project's settings name.`,
  })
}
