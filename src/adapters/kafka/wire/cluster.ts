import { readFileSync } from 'node:fs'
import {
  kGetApi,
  kGetBootstrapConnection,
  kGetConnection,
  type API,
  type Base,
  type Connection,
} from '@platformatic/kafka'
import type { Clock } from '../../../ports/clock.ts'
import { SluiceError, type ErrorWhere } from '../../../domain/errors.ts'
import type { KafkaSettings } from '../kafka-settings.ts'
import { AnyBroker, LaneClient, type Node } from './any-broker.ts'
import { mayPass, thrownError } from './broker-error.ts'

/**
 * Requests of one kind have sockets of their own: a broker answers those of a socket in order, so a fetch that waits
 * would hold up a heartbeat, and a join a commit.
 */
export type Lane = 'control' | 'read' | 'wait' | 'write' | 'join'

export interface Request {
  readonly asked: string
  readonly lane?: Lane
  /** Null asks any broker. */
  readonly node: Node | null
  readonly where?: ErrorWhere
  /** An API of our own in place of the library's, for the version that both sides know. */
  readonly own?: (version: number) => unknown
}

/** Not exported by the library: what an API answers with an error code carries the answer too. */
interface WithResponse {
  readonly response?: unknown
}

const CONNECT_TIMEOUT_MS = 5_000
/** Longer than any wait that a request asks the broker for. */
const REQUEST_TIMEOUT_MS = 45_000
const FIRST_PAUSE_MS = 50
const PAUSE_MS = 1_000

/**
 * The library's protocol layer: sockets, TLS, SASL, the versions of each API that both sides know. Error codes inside an
 * answer are values of the answer, never thrown; what is thrown is a SluiceError.
 */
export class Cluster {
  readonly settings: KafkaSettings
  readonly clock: Clock
  readonly any: AnyBroker
  readonly #clients = new Map<Lane, LaneClient>()
  #closed = false

  constructor(settings: KafkaSettings, clock: Clock) {
    this.settings = settings
    this.clock = clock
    this.any = new AnyBroker(settings.brokers)
  }

  /** One request, once. */
  async send<T>(api: string, args: readonly unknown[], request: Request): Promise<T> {
    try {
      const client = this.#client(request.lane ?? 'control')
      const patienceMs = this.settings.retryMs / 2
      const call = await client.soon(apiOf<T>(client, api, request.own), patienceMs)
      const asking = connect(client, request.node).then((connection) => answerOf(call, connection, args))
      return await (request.node === null ? client.soon(asking, patienceMs) : asking)
    } catch (error) {
      const { brokers, tls } = this.settings
      const bareTls = tls !== null && tls.cert === null
      throw thrownError(error, { asked: request.asked, brokers, where: request.where ?? {}, bareTls })
    }
  }

  /**
   * Calls until it answers something else than `again`, for as long as `retryMs`; then what it threw last, or what
   * `late` says. What may not pass by itself is thrown at once.
   */
  async retrying<T>(
    attempt: () => Promise<T | typeof AGAIN>,
    { late, signal }: { readonly late: () => Error; readonly signal?: AbortSignal | undefined },
  ): Promise<T> {
    const endMs = this.clock.nowMs() + this.settings.retryMs
    let pauseMs = FIRST_PAUSE_MS
    for (;;) {
      let failed: unknown = null
      try {
        const answer = await attempt()
        if (answer !== AGAIN) return answer
      } catch (error) {
        if (!mayPass(error) || this.#closed) throw error
        failed = error
      }
      if (this.clock.nowMs() + pauseMs > endMs) throw failed ?? late()
      await this.clock.sleep(pauseMs * (0.5 + this.clock.random() / 2), signal)
      pauseMs = Math.min(pauseMs * 2, PAUSE_MS)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#clients.values()].map((client) => client.close()))
  }

  #client(lane: Lane): LaneClient {
    const open = this.#clients.get(lane)
    if (open !== undefined) return open
    const client = new LaneClient(libraryOptions(this.settings, lane), this.any)
    this.#clients.set(lane, client)
    return client
  }
}

/** An attempt that should be made again. */
export const AGAIN = Symbol('again')

function connect(client: Base, node: Node | null): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, connection?: Connection): void => {
      if (error === null) resolve(connection!)
      else reject(error)
    }
    if (node === null) client[kGetBootstrapConnection](done)
    else client[kGetConnection](node, done)
  })
}

function answerOf<T>(call: API<unknown[], T>, connection: Connection, args: readonly unknown[]): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    call(connection, ...args, (error: Error | null, response?: T) => {
      if (error === null) return resolve(response!)
      // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the library declares its errors as open
      const { response: answered } = error as WithResponse
      // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the answer of this API
      if (answered !== undefined && answered !== null) return resolve(answered as T)
      return reject(error)
    })
  })
}

function apiOf<T>(client: Base, name: string, own: Request['own']): Promise<API<unknown[], T>> {
  return new Promise((resolve, reject) => {
    client[kGetApi]<unknown[], T>(name, (error, api) => {
      if (error !== null) reject(error)
      else if (own === undefined) resolve(api!)
      // eslint-disable-next-line typescript/no-unsafe-type-assertion -- takes and answers what the caller knows
      else resolve(own(api!.version) as API<unknown[], T>)
    })
  })
}

type LibraryOptions = ConstructorParameters<typeof Base>[0]

function libraryOptions({ brokers, clientId, tls, sasl }: KafkaSettings, lane: Lane): LibraryOptions {
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Batches of one producer must arrive in order.
    maxInflights: lane === 'write' ? 1 : 64,
    retries: 0,
    ...(tls === null ? {} : { tls: pemOptions(tls) }),
    ...(sasl === null ? {} : { sasl: sasl.mechanism === 'OAUTHBEARER' ? { ...sasl, authBytesValidator } : sasl }),
  }
}

/**
 * A token that is refused is answered as if it were taken, with the reason as JSON; only the request after that would
 * fail, and not by a login that failed (RFC 7628, 3.2.2).
 */
function authBytesValidator(answer: Buffer, done: (error: Error | null, answer?: Buffer) => void): void {
  if (answer.length === 0) done(null, answer)
  else done(new Error(`the token was refused with ${answer.toString('utf8').slice(0, 200)}`))
}

function pemOptions(tls: NonNullable<KafkaSettings['tls']>): object {
  return { ca: readPem(tls, 'ca'), cert: readPem(tls, 'cert'), key: readPem(tls, 'key') }
}

function readPem(tls: NonNullable<KafkaSettings['tls']>, name: keyof typeof tls): Buffer | undefined {
  const file = tls[name]
  if (file === null) return undefined
  try {
    return readFileSync(file)
  } catch (error) {
    const key = `broker.tls.${name}`
    throw new SluiceError('FILE_UNREADABLE', `${key} ${file} cannot be read`, { where: { file, key }, cause: error })
  }
}
