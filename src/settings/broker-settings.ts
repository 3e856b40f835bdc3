import { isBrokerAddress, splitBrokers } from '../domain/broker-address.ts'
import type { Settings } from '../domain/settings.ts'
import type { SettingReader } from './setting-reader.ts'

/** `broker:` as the rooms receive it; what is missing or contradicts itself is refused by `checkBroker`. */
export function toBroker(read: SettingReader): Settings['broker'] {
  if (read.text('broker', 'kind') === 'embedded') return { kind: 'embedded', dir: read.text('broker', 'dir') }
  const file = (key: string): string | null => read.textOrNull('broker', 'tls', key)
  return {
    kind: 'kafka',
    brokers: splitBrokers(read.textOrNull('broker', 'brokers') ?? ''),
    tls:
      read.value('broker', 'tls', 'enabled') === true ? { ca: file('ca'), cert: file('cert'), key: file('key') } : null,
    sasl: toSasl(read),
    compression: read.text('broker', 'compression') as KafkaBroker['compression'],
    replicationFactor: read.numberOrNull('broker', 'replication_factor'),
    prefix: read.text('broker', 'prefix'),
    instanceId: read.textOrNull('broker', 'instance_id'),
    sessionTimeoutMs: read.number('broker', 'session_timeout'),
    stateTopic: read.text('state', 'topic'),
  }
}

type KafkaBroker = Extract<Settings['broker'], { kind: 'kafka' }>

function toSasl(read: SettingReader): KafkaBroker['sasl'] {
  const mechanism = read.text('broker', 'sasl', 'mechanism')
  const own = (key: string): string => read.textOrNull('broker', 'sasl', key) ?? ''
  if (mechanism === 'none') return null
  if (mechanism === 'OAUTHBEARER') return { mechanism, token: own('token') }
  return {
    mechanism: mechanism as 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512',
    username: own('username'),
    password: own('password'),
  }
}

/** Three heartbeats. */
const SHORTEST_SESSION_MS = 3_000
const GROUP_NAME = /^[A-Za-z0-9._-]{1,100}$/

/** Tells `refuse` each setting that cannot be. */
export function checkBroker(broker: Settings['broker'], refuse: (path: readonly string[], what: string) => void): void {
  if (broker.kind === 'embedded') return
  if (broker.brokers.length === 0) refuse(['broker', 'brokers'], 'is needed where broker.kind is kafka: host:port')
  for (const each of broker.brokers) {
    if (!isBrokerAddress(each)) refuse(['broker', 'brokers'], `${JSON.stringify(each)} is no host:port`)
  }
  const { sasl, tls } = broker
  if (sasl !== null && sasl.mechanism !== 'OAUTHBEARER') {
    if (sasl.username === '') refuse(['broker', 'sasl', 'username'], `is needed for ${sasl.mechanism}`)
    if (sasl.password === '') refuse(['broker', 'sasl', 'password'], `is needed for ${sasl.mechanism}`)
  }
  if (sasl !== null && sasl.mechanism === 'OAUTHBEARER' && sasl.token === '') {
    refuse(['broker', 'sasl', 'token'], 'is needed for OAUTHBEARER')
  }
  if (tls !== null && (tls.cert === null) !== (tls.key === null)) {
    refuse(
      ['broker', 'tls', tls.cert === null ? 'cert' : 'key'],
      'is needed beside the other: certificate and key are a pair',
    )
  }
  if (broker.sessionTimeoutMs < SHORTEST_SESSION_MS) refuse(['broker', 'session_timeout'], 'at least 3s')
  if (!GROUP_NAME.test(broker.prefix)) refuse(['broker', 'prefix'], 'letters, digits, dot, dash and underscore only')
  if (!GROUP_NAME.test(broker.stateTopic)) refuse(['state', 'topic'], 'is no name of a topic')
}
