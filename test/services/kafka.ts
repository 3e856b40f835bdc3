import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { reasonToSkip, type Skip } from './cache.ts'
import { makeCertificates, type Certificates } from './certificates.ts'
import { onFreePorts, startGuarded, type GuardedProcess } from './guarded-process.ts'
import { kafkaProperties, scramCredentials, type BrokerPorts } from './kafka-properties.ts'
import { mavenLibraries } from './maven.ts'

/** Apache Kafka on loopback ports in a folder of its own: one broker or three, each controller too (KRaft). */
export interface Kafka {
  /** Without security, always there: `127.0.0.1:PORT,…`. */
  readonly bootstrap: string
  readonly secured: SecuredListeners | null
  clusterId(): string
  /** Brokers count from 1. The others go on. */
  stopBroker(node: number): Promise<void>
  /** SIGKILL: what a machine that loses its power looks like. */
  killBroker(node: number): Promise<void>
  startBroker(node: number): Promise<void>
  /** SIGSTOP: the broker holds its sockets and answers nothing. */
  pause(node: number): void
  resume(node: number): void
  /** All of it down, then up again on the same ports with its data. */
  restart(): Promise<void>
  /** Another cluster on the same ports: new cluster id, no topics. */
  replace(): Promise<void>
  /** The running brokers' processes and the folder that holds all of it. */
  places(): readonly { readonly pid: number; readonly folder: string }[]
  close(): Promise<void>
}

export interface SecuredListeners {
  readonly sasl: string
  readonly tls: string
  readonly saslTls: string
  /** PEM file of the authority that the brokers' certificates are of. */
  readonly ca: string
  /** PEM files of a client of that authority. */
  readonly clientKey: string
  readonly clientCertificate: string
  /** Known to PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512; OAUTHBEARER takes any unsecured token with a `sub`. */
  readonly username: string
  readonly password: string
}

export interface KafkaStart {
  readonly brokers?: 1 | 3
  /** Added to server.properties, over what is there. */
  readonly properties?: Readonly<Record<string, string>>
  /** Listeners with SASL, with TLS and with both, beside the plain one. */
  readonly secured?: boolean
}

const ARTIFACTS = [
  'org.apache.kafka:kafka_2.13:4.3.1',
  'org.apache.kafka:kafka-tools:4.3.1',
  'org.apache.logging.log4j:log4j-slf4j-impl:2.24.3',
  'org.apache.logging.log4j:log4j-core:2.24.3',
]
/** Quick to start rather than quick for long: C1 alone, one collector thread. */
const JAVA_FLAGS = ['-Xms128m', '-Xmx768m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']
const USER = { username: 'alice', password: 'alice-secret' }

const run = promisify(execFile)

/** For `test`'s `skip`: why there can be no Kafka here, or false. */
export function kafkaMissing(): Promise<Skip> {
  return reasonToSkip(() => mavenLibraries('kafka', ARTIFACTS))
}

/** The class path of Kafka's own server, tools and Java clients. Throws `Missing`. */
export async function kafkaClassPath(): Promise<string> {
  return join(await mavenLibraries('kafka', ARTIFACTS), 'lib', '*')
}

export async function startKafka({ brokers = 1, properties = {}, secured = false }: KafkaStart = {}): Promise<Kafka> {
  const classPath = await kafkaClassPath()
  const folder = await mkdtemp(join(tmpdir(), 'sluice-kafka-'))
  try {
    const certificates = secured ? await makeCertificates(folder) : null
    const each = secured ? 5 : 2
    return await onFreePorts(brokers * each, async (free) => {
      const ports = Array.from({ length: brokers }, (_, i) => brokerPorts(free.slice(i * each, (i + 1) * each)))
      const cluster = new Cluster({ classPath, folder, ports, properties, certificates })
      await cluster.replace()
      return cluster
    })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

interface ClusterParts {
  readonly classPath: string
  readonly folder: string
  readonly ports: readonly BrokerPorts[]
  readonly properties: Readonly<Record<string, string>>
  readonly certificates: Certificates | null
}

class Cluster implements Kafka {
  readonly bootstrap: string
  readonly secured: SecuredListeners | null
  readonly #parts: ClusterParts
  readonly #running = new Map<number, GuardedProcess>()
  #clusterId = ''

  constructor(parts: ClusterParts) {
    this.#parts = parts
    const addresses = (port: (ports: BrokerPorts) => number): string =>
      parts.ports.map((ports) => `127.0.0.1:${port(ports)}`).join(',')
    this.bootstrap = addresses(({ plain }) => plain)
    this.secured =
      parts.certificates === null
        ? null
        : {
            sasl: addresses(({ sasl }) => sasl),
            tls: addresses(({ tls }) => tls),
            saslTls: addresses(({ saslTls }) => saslTls),
            ca: parts.certificates.ca,
            clientKey: parts.certificates.clientKey,
            clientCertificate: parts.certificates.clientCertificate,
            ...USER,
          }
  }

  clusterId(): string {
    return this.#clusterId
  }

  async stopBroker(node: number): Promise<void> {
    await this.#take(node)?.stop()
  }

  async killBroker(node: number): Promise<void> {
    await this.#take(node)?.kill()
  }

  async startBroker(node: number): Promise<void> {
    if (this.#running.has(node)) return
    const { classPath, folder } = this.#parts
    const home = this.#home(node)
    const service = await startGuarded({
      command: 'java',
      args: [
        ...JAVA_FLAGS,
        `-Dlog4j2.configurationFile=${join(home, 'log4j2.properties')}`,
        '-cp',
        classPath,
        'kafka.Kafka',
        join(home, 'server.properties'),
      ],
      cwd: home,
      log: join(home, 'server.log'),
      sweep: folder,
      // Said once the broker is registered and no longer fenced.
      ready: (log) => log.includes('Kafka Server started'),
    })
    this.#running.set(node, service)
  }

  pause(node: number): void {
    this.#running.get(node)?.signal('SIGSTOP')
  }

  resume(node: number): void {
    this.#running.get(node)?.signal('SIGCONT')
  }

  async restart(): Promise<void> {
    await this.#eachBroker((node) => this.stopBroker(node))
    await this.#eachBroker((node) => this.startBroker(node))
  }

  async replace(): Promise<void> {
    await this.#eachBroker((node) => this.killBroker(node))
    this.#clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'a')
    await this.#eachBroker((node) => this.#format(node))
    await this.#eachBroker((node) => this.startBroker(node)).catch(async (error: unknown) => {
      await this.#eachBroker((node) => this.killBroker(node))
      throw error
    })
  }

  places(): readonly { readonly pid: number; readonly folder: string }[] {
    return [...this.#running.values()].map(({ pid }) => ({ pid, folder: this.#parts.folder }))
  }

  async close(): Promise<void> {
    await this.#eachBroker((node) => this.killBroker(node))
    await rm(this.#parts.folder, { recursive: true, force: true })
  }

  #take(node: number): GuardedProcess | null {
    const service = this.#running.get(node) ?? null
    this.#running.delete(node)
    return service
  }

  #home(node: number): string {
    return join(this.#parts.folder, `broker-${node}`)
  }

  async #eachBroker(act: (node: number) => Promise<void>): Promise<void> {
    await Promise.all(this.#parts.ports.map((_, i) => act(i + 1)))
  }

  async #format(node: number): Promise<void> {
    const { ports, properties, certificates, classPath } = this.#parts
    const home = this.#home(node)
    await rm(home, { recursive: true, force: true })
    await mkdir(home, { recursive: true })
    const file = join(home, 'server.properties')
    await writeFile(file, kafkaProperties({ node, ports, home, properties, certificates, user: USER }))
    await writeFile(join(home, 'log4j2.properties'), LOGGING)
    const scram = certificates === null ? [] : scramCredentials(USER)
    const tool = ['kafka.tools.StorageTool', 'format', '-t', this.#clusterId, '-c', file, ...scram]
    await run('java', [...JAVA_FLAGS, '-cp', classPath, ...tool])
  }
}

function brokerPorts([plain = 0, controller = 0, sasl = 0, tls = 0, saslTls = 0]: readonly number[]): BrokerPorts {
  return { plain, controller, sasl, tls, saslTls }
}

const LOGGING = `status=warn
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1} %m%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
logger.started.name=kafka.server.KafkaRaftServer
logger.started.level=info
`
