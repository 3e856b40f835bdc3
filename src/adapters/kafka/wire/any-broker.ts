import { Base, kGetBootstrapConnection, parseBroker, type Callback, type Connection } from '@platformatic/kafka'

export interface Node {
  readonly host: string
  readonly port: number
}

/**
 * Whom to ask what any broker can tell: the one that answered last, then the others in turn. The library begins with the
 * first of its list each time, so that one which hangs would hold up everything, long after its partitions have moved.
 */
export class AnyBroker {
  readonly #given: readonly Node[]
  #nodes: readonly Node[]
  #first: Node

  /** `host:port`, at least one. */
  constructor(brokers: readonly string[]) {
    this.#given = brokers.map((broker) => parseBroker(broker))
    this.#nodes = this.#given
    this.#first = this.#given[0]!
  }

  get inTurn(): readonly Node[] {
    const at = Math.max(0, this.#indexOf(this.#first))
    return [...this.#nodes.slice(at), ...this.#nodes.slice(0, at)]
  }

  /** What the cluster itself names now, tried after those of the settings. */
  learn(nodes: Iterable<Node>): void {
    const others = [...nodes].filter((node) => !this.#given.some((known) => isSame(known, node)))
    this.#nodes = [...this.#given, ...others]
  }

  answered(node: Node): void {
    this.#first = node
  }

  /** It did not answer: where it is the one that is asked first, the next one is. */
  passOver(node: Node): void {
    const [first, next = node] = this.inTurn
    if (isSame(first!, node)) this.#first = next
  }

  #indexOf(node: Node): number {
    return this.#nodes.findIndex((known) => isSame(known, node))
  }
}

/** The library's client of one lane, which asks brokers in that turn. */
export class LaneClient extends Base {
  readonly #any: AnyBroker
  #asked: { readonly node: Node; readonly connection: Connection } | null = null

  constructor(options: ConstructorParameters<typeof Base>[0], any: AnyBroker) {
    super(options)
    this.#any = any
    // The library keeps the timer by which a connection would log in anew, also where the broker has closed it.
    this.on('client:broker:disconnect', ({ connection }) => void connection.close())
  }

  override [kGetBootstrapConnection](callback: Callback<Connection>): void {
    const brokers = this.#any.inTurn.map(({ host, port }) => ({ host, port }))
    this.connections.getFirstAvailable(brokers, (error, connection) => {
      const node = brokers.find(({ host, port }) => connection?.host === host && connection.port === port)
      if (error === null && node !== undefined) {
        this.#any.answered(node)
        this.#asked = { node, connection: connection! }
      }
      callback(error, connection)
    })
  }

  /** What any broker can tell; one that says nothing for `patienceMs` is left, where there is another. */
  async soon<T>(work: Promise<T>, patienceMs: number): Promise<T> {
    if (this.#any.inTurn.length === 1) return work
    work.catch(() => undefined)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(this.#leave(patienceMs)), patienceMs)
    })
    return Promise.race([work, late]).finally(() => clearTimeout(timer))
  }

  /** Closes the socket, so that whatever else waits for this broker to say what any can tell does not wait on. */
  #leave(patienceMs: number): Error {
    const asked = this.#asked
    if (asked === null) return new Error(`no broker could be reached within ${patienceMs} ms`)
    const { node, connection } = asked
    this.#any.passOver(node)
    connection.socket.destroy()
    return new Error(`${node.host}:${node.port} said nothing for ${patienceMs} ms; the next broker is asked`)
  }
}

function isSame(a: Node, b: Node): boolean {
  return a.host === b.host && a.port === b.port
}
