import type { findCoordinatorV6, initProducerIdV5 } from '@platformatic/kafka'
import { CODE, codeError, coordinatorMoved } from '../wire/broker-error.ts'
import type { Node } from '../wire/any-broker.ts'
import { AGAIN, type Cluster } from '../wire/cluster.ts'

/** Who produces: the broker takes each batch of it once, in order of its sequence (KIP-98). */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Null outside transactions. */
  readonly transactionalId: string | null
  /** `partitionKey` → sequence of the next record. */
  readonly sequences: Map<string, number>
}

export const KEY_GROUP = 0
export const KEY_TRANSACTION = 1

const TRANSACTION_TIMEOUT_MS = 60_000

export async function findCoordinator(cluster: Cluster, keyType: number, key: string): Promise<Node> {
  const asked = keyType === KEY_GROUP ? `for the coordinator of group ${key}` : `for the coordinator of producer ${key}`
  const fault = { asked, brokers: cluster.settings.brokers }
  let code: number = CODE.coordinatorNotAvailable
  return cluster.retrying<Node>(
    async () => {
      const args = [keyType, [key]]
      const response = await cluster.send<findCoordinatorV6.FindCoordinatorResponse>('FindCoordinator', args, {
        asked,
        node: null,
      })
      const [found] = response.coordinators
      if (found === undefined) return AGAIN
      code = found.errorCode
      if (code === CODE.none) return { host: found.host, port: found.port }
      if (coordinatorMoved(code)) return AGAIN
      throw codeError(code, fault, found.errorMessage)
    },
    { late: () => codeError(code, fault) },
  )
}

/**
 * A new identity. With a transactional id it waits until the transaction that was under way under that id has ended, by
 * abort or by the commit that was already decided, and fences whoever produced under it before.
 */
export async function initProducer(cluster: Cluster, transactionalId: string | null): Promise<ProducerIdentity> {
  const asked = transactionalId === null ? 'for a producer id' : `to begin producing as ${transactionalId}`
  const fault = { asked, brokers: cluster.settings.brokers }
  let code: number = CODE.coordinatorNotAvailable
  return cluster.retrying<ProducerIdentity>(
    async () => {
      const node = transactionalId === null ? null : await findCoordinator(cluster, KEY_TRANSACTION, transactionalId)
      const args = [transactionalId, TRANSACTION_TIMEOUT_MS, -1n, -1]
      const answer = await cluster.send<initProducerIdV5.InitProducerIdResponse>('InitProducerId', args, {
        asked,
        node,
      })
      code = answer.errorCode
      if (code === CODE.none) {
        const { producerId, producerEpoch } = answer
        return { producerId, producerEpoch, transactionalId, sequences: new Map() }
      }
      if (coordinatorMoved(code) || code === CODE.concurrentTransactions || code === CODE.producerFenced) return AGAIN
      throw codeError(code, fault)
    },
    { late: () => codeError(code, fault) },
  )
}
