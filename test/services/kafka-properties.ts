import { join } from 'node:path'
import type { Certificates } from './certificates.ts'

/** One broker's server.properties. */
export interface BrokerPorts {
  readonly plain: number
  readonly controller: number
  /** 0 where the cluster is not secured. */
  readonly sasl: number
  readonly tls: number
  readonly saslTls: number
}

export interface User {
  readonly username: string
  readonly password: string
}

export interface BrokerProperties {
  readonly node: number
  /** Of every broker, the first being node 1. */
  readonly ports: readonly BrokerPorts[]
  readonly home: string
  readonly properties: Readonly<Record<string, string>>
  readonly certificates: Certificates | null
  readonly user: User
}

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']

export function kafkaProperties(broker: BrokerProperties): string {
  const { node, ports, home, properties, certificates, user } = broker
  const own = ports[node - 1]!
  const replicas = String(Math.min(3, ports.length))
  const secured = certificates === null ? [] : [`SASL://127.0.0.1:${own.sasl}`, `TLS://127.0.0.1:${own.tls}`]
  if (certificates !== null) secured.push(`SASLTLS://127.0.0.1:${own.saslTls}`)
  const open = [`PLAIN://127.0.0.1:${own.plain}`, ...secured]
  const all: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(node),
    'controller.quorum.voters': ports.map(({ controller }, i) => `${i + 1}@127.0.0.1:${controller}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAIN',
    listeners: [...open, `CONTROLLER://127.0.0.1:${own.controller}`].join(','),
    'advertised.listeners': open.join(','),
    'listener.security.protocol.map':
      'PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,SASLTLS:SASL_SSL',
    'log.dirs': join(home, 'data'),
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // Brokers that come and go are noticed in seconds, on a machine that may be busy.
    'broker.session.timeout.ms': '6000',
    'broker.heartbeat.interval.ms': '1000',
    // Three brokers of one machine share its disk.
    'num.recovery.threads.per.data.dir': '1',
    'log.cleaner.dedupe.buffer.size': '16777216',
    ...(certificates === null ? {} : securityProperties(certificates, user)),
    ...properties,
  }
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

/** SCRAM's users are stored in the cluster's metadata when it is made. */
export function scramCredentials({ username, password }: User): string[] {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${username},password=${password}]`,
  ])
}

function securityProperties({ ca, keyStore }: Certificates, { username, password }: User): Record<string, string> {
  const modules = 'org.apache.kafka.common.security'
  const logins: Record<string, string> = {
    plain: `${modules}.plain.PlainLoginModule required user_${username}="${password}";`,
    'scram-sha-256': `${modules}.scram.ScramLoginModule required;`,
    'scram-sha-512': `${modules}.scram.ScramLoginModule required;`,
    oauthbearer: `${modules}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="${username}";`,
  }
  const perListener = ['sasl', 'sasltls'].flatMap((listener) =>
    Object.entries(logins).map(([mechanism, login]) => [
      `listener.name.${listener}.${mechanism}.sasl.jaas.config`,
      login,
    ]),
  )
  return {
    'sasl.enabled.mechanisms': MECHANISMS.join(','),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keyStore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': ca,
    ...(Object.fromEntries(perListener) as Record<string, string>),
  }
}
