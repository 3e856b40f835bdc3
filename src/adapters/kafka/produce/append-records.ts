import type { addPartitionsToTxnV3, describeTransactionsV0, endTxnV4 } from '@platformatic/kafka'
import type { TopicPartition } from '../../../domain/position.ts'
import type {
  AppendedRange,
  AppendOutcome,
  AppendRequest,
  PartitionAppend,
  SourceStateChange,
} from '../../../ports/topic-log.ts'
import { LATEST, listOffsets } from '../topics/list-offsets.ts'
import { CODE, codeError, coordinatorMoved, isFenced } from '../wire/broker-error.ts'
import { AGAIN, type Request } from '../wire/cluster.ts'
import { Fenced, produceParts } from './produce-parts.ts'
import { findCoordinator, initProducer, KEY_TRANSACTION, type ProducerIdentity } from './producer-identity.ts'
import { stateRecords, type StateParts, type StateTopic } from './state-topic.ts'

/** After it was fenced, a writer first looks whether the other moves the source, before it takes the id back. */
const OTHER_WRITER_MS = 5_000
const LOOK_MS = 25
const TRIES = 5

/**
 * `append` of the port. A source's records and state are one transaction under an id of that source: of two writers the
 * later one fences the earlier, aborts what it left open, and reads back what it committed before it compares (I9).
 */
export class Appender {
  readonly #parts: StateParts
  readonly #state: StateTopic
  readonly #producers = new Map<string, ProducerIdentity>()
  readonly #turns = new Map<string, Promise<unknown>>()
  #plain: Promise<ProducerIdentity> | null = null
  #stateTopicMade = false

  constructor(parts: StateParts, state: StateTopic) {
    this.#parts = parts
    this.#state = state
  }

  async append({ batches, state }: AppendRequest): Promise<AppendOutcome> {
    for (const batch of batches) await this.#parts.views.known(batch)
    if (state === null) return this.#inTurn('', () => this.#appendPlain(batches))
    return this.#inTurn(`source ${state.source}`, () => this.#appendWithState(batches, state))
  }

  /** Appends of one source, and those of none, come one after the other: their sequences count. */
  #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(work, work)
    this.#turns.set(key, turn)
    return turn
  }

  async #appendPlain(batches: readonly PartitionAppend[]): Promise<AppendOutcome> {
    const { cluster } = this.#parts
    this.#plain ??= initProducer(cluster, null)
    try {
      const ranges = await produceParts(this.#parts, await this.#plain, batches)
      return { kind: 'appended', sequence: null, firsts: await this.#placeEmpty(ranges) }
    } catch (error) {
      // Its sequences may no longer be what the broker expects.
      this.#plain = null
      throw error instanceof Fenced ? this.#fault(CODE.unknownProducerId, 'to append') : error
    }
  }

  async #appendWithState(batches: readonly PartitionAppend[], state: SourceStateChange): Promise<AppendOutcome> {
    const { source, expectedSequence } = state
    if (!this.#stateTopicMade) await this.#state.create()
    this.#stateTopicMade = true
    for (let tried = 1; ; tried += 1) {
      const identity = await this.#identityOf(source)
      const { sequence } = await this.#state.read(source)
      if (sequence !== expectedSequence) return { kind: 'conflicted', sequence }
      try {
        const firsts = await this.#transact(identity, { batches, state })
        return { kind: 'appended', sequence: expectedSequence + 1n, firsts: await this.#placeEmpty(firsts) }
      } catch (error) {
        this.#producers.delete(source)
        this.#stateTopicMade = false
        if (!(error instanceof Fenced)) throw error
        if (tried >= TRIES) throw this.#fault(CODE.producerFenced, `to append for source ${source}`)
        const moved = await this.#awaitOther(source, expectedSequence)
        if (moved !== null) return { kind: 'conflicted', sequence: moved }
      }
    }
  }

  async #identityOf(source: string): Promise<ProducerIdentity> {
    const known = this.#producers.get(source)
    if (known !== undefined) return known
    const { cluster } = this.#parts
    const identity = await initProducer(cluster, `${cluster.settings.prefix}source.${source}`)
    this.#producers.set(source, identity)
    return identity
  }

  /** The sequence that another writer moved the source to; null where it did not in time. */
  async #awaitOther(source: string, expected: bigint): Promise<bigint | null> {
    const { clock } = this.#parts.cluster
    const endMs = clock.nowMs() + OTHER_WRITER_MS * (0.5 + clock.random())
    for (;;) {
      const { sequence } = await this.#state.read(source)
      if (sequence !== expected) return sequence
      if (clock.nowMs() >= endMs) return null
      await clock.sleep(LOOK_MS)
    }
  }

  /** One transaction, from its first partition to where every reader sees it. */
  async #transact(
    identity: ProducerIdentity,
    { batches, state }: { readonly batches: readonly PartitionAppend[]; readonly state: SourceStateChange },
  ): Promise<readonly AppendedRange[]> {
    const { clock } = this.#parts.cluster
    const standing = { topic: this.#state.topic, partition: 0, records: stateRecords(state, clock.nowMs()) }
    const filled = batches.filter(({ records }) => records.length > 0)
    await this.#addPartitions(identity, [...filled, standing])
    try {
      const ranges = await produceParts(this.#parts, identity, [...batches, standing])
      await this.#end(identity, true)
      await this.#awaitMarkers(identity)
      return ranges.slice(0, batches.length)
    } catch (error) {
      // Best effort: the next writer's start ends it too, and so does the broker in a minute.
      if (!(error instanceof Fenced)) await this.#end(identity, false).catch(() => undefined)
      throw error
    }
  }

  async #addPartitions(identity: ProducerIdentity, places: readonly TopicPartition[]): Promise<void> {
    const topics = new Map<string, Set<number>>()
    for (const { topic, partition } of places) topics.set(topic, (topics.get(topic) ?? new Set()).add(partition))
    const list = [...topics].map(([name, partitions]) => ({ name, partitions: [...partitions] }))
    const { transactionalId, producerId, producerEpoch } = identity
    const transaction = {
      transactionalId: transactionalId!,
      producerId,
      producerEpoch,
      verifyOnly: false,
      topics: list,
    }
    await this.#ask(identity, 'to begin a transaction', async (request) => {
      const args = [[transaction]]
      const answer = await this.#parts.cluster.send<addPartitionsToTxnV3.AddPartitionsToTxnResponse>(
        'AddPartitionsToTxn',
        args,
        request,
      )
      const results = answer.resultsByTransaction.flatMap((each) => each.topicResults)
      const codes = results.flatMap((each) => each.resultsByPartition.map((one) => one.partitionErrorCode))
      const code = [answer.errorCode, ...codes].find((each) => each !== CODE.none) ?? CODE.none
      // Another cluster has come in the place of the one that it was made in.
      if (code === CODE.unknownTopic) await this.#state.create()
      return code
    })
  }

  async #end({ transactionalId, producerId, producerEpoch }: ProducerIdentity, commit: boolean): Promise<void> {
    const asked = commit ? 'to commit a transaction' : 'to abort a transaction'
    await this.#ask({ transactionalId }, asked, async (request) => {
      const args = [transactionalId, producerId, producerEpoch, commit]
      return (await this.#parts.cluster.send<endTxnV4.EndTxnResponse>('EndTxn', args, request)).errorCode
    })
  }

  /** A commit is decided before it is seen: this waits until its markers are in every partition. */
  async #awaitMarkers({ transactionalId }: ProducerIdentity): Promise<void> {
    const { cluster } = this.#parts
    let pauseMs = 1
    await this.#ask({ transactionalId }, 'for the end of a transaction', async (request) => {
      for (;;) {
        const answer = await cluster.send<describeTransactionsV0.DescribeTransactionsResponse>(
          'DescribeTransactions',
          [[transactionalId]],
          request,
        )
        const [state] = answer.transactionStates
        if (state === undefined || state.errorCode !== CODE.none) return state?.errorCode ?? CODE.none
        if (state.transactionState !== 'PrepareCommit') return CODE.none
        await cluster.clock.sleep(pauseMs)
        pauseMs = Math.min(pauseMs * 2, 50)
      }
    })
  }

  /** Asks the transaction's coordinator until it answers something that stands. Throws `Fenced`. */
  async #ask(
    { transactionalId }: Pick<ProducerIdentity, 'transactionalId'>,
    asked: string,
    work: (request: Request) => Promise<number>,
  ): Promise<void> {
    const { cluster } = this.#parts
    let code: number = CODE.coordinatorNotAvailable
    await cluster.retrying<'done'>(
      async () => {
        const node = await findCoordinator(cluster, KEY_TRANSACTION, transactionalId!)
        code = await work({ asked, node })
        if (code === CODE.none) return 'done'
        if (isFenced(code)) throw new Fenced(asked)
        if (coordinatorMoved(code) || code === CODE.concurrentTransactions || code === CODE.unknownTopic) return AGAIN
        throw this.#fault(code, asked)
      },
      { late: () => this.#fault(code, asked) },
    )
  }

  /** An append of no records stands at the end of its partition. */
  async #placeEmpty(ranges: readonly AppendedRange[]): Promise<readonly AppendedRange[]> {
    return Promise.all(
      ranges.map(async (range) => {
        if (range.first >= 0n) return range
        const { topic, partition } = range
        const question = { partitions: [partition], time: LATEST, committed: false }
        const end = (await listOffsets(this.#parts, topic, question))?.get(partition) ?? 0n
        return { ...range, first: end, next: end }
      }),
    )
  }

  #fault(code: number, asked: string): Error {
    return codeError(code, { asked, brokers: this.#parts.cluster.settings.brokers })
  }
}
