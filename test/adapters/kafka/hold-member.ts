import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import { openKafkaLog } from '../../../src/adapters/kafka/kafka-log.ts'
import { KAFKA_DEFAULTS } from '../../../src/adapters/kafka/kafka-settings.ts'

/**
 * A process that holds what it can of a lane's partitions and tells over and over that it has read to 7; prints a line
 * once it holds both, and one after each telling: `hold-member.ts BROKERS NAME SESSION_MS`.
 */
const [brokers = '', name = '', sessionMs = ''] = process.argv.slice(2)

const settings = {
  ...KAFKA_DEFAULTS,
  brokers: brokers.split(','),
  membersGroup: name,
  prefix: `${name}.`,
  heartbeatMs: 100,
  sessionTimeoutMs: Number(sessionMs),
}
const log = openKafkaLog({ settings, clock: systemClock })
const places = ['t/0', 't/1']
const member = await log.join('ingest/orders', places)
while ((await member.poll()).size < places.length);
process.stdout.write('holds\n')
for (;;) {
  await member.tell(new Map(places.map((place) => [place, 7n])))
  process.stdout.write('told\n')
  await systemClock.sleep(20)
}
