import { Admin } from '@platformatic/kafka'
import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import { openKafkaLog, type KafkaLog } from '../../../src/adapters/kafka/kafka-log.ts'
import { KAFKA_DEFAULTS, type KafkaSettings } from '../../../src/adapters/kafka/kafka-settings.ts'

/** An adapter over that cluster, as one process would have it. */
export function openLog(bootstrap: string, some: Partial<KafkaSettings> = {}): KafkaLog {
  const settings = {
    ...KAFKA_DEFAULTS,
    brokers: bootstrap.split(','),
    heartbeatMs: 200,
    membersGroup: 'members',
    ...some,
  }
  return openKafkaLog({ settings, clock: systemClock })
}

export async function asAdmin<T>(bootstrap: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: bootstrap.split(',') })
  try {
    return await work(admin)
  } finally {
    await admin.close()
  }
}

export async function deleteTopics(bootstrap: string, topics: readonly string[]): Promise<void> {
  if (topics.length === 0) return
  await asAdmin(bootstrap, (admin) => admin.deleteTopics({ topics: [...topics] }))
}
