import { protocolErrors, protocolErrorsCodesById } from '@platformatic/kafka'
import { SluiceError, type ErrorWhere } from '../../../domain/errors.ts'

/** Kafka's error codes that this adapter decides on (protocol guide, "Error Codes"). */
export const CODE = {
  none: 0,
  offsetOutOfRange: 1,
  unknownTopic: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  replicaNotAvailable: 9,
  messageTooLarge: 10,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  recordListTooLarge: 18,
  illegalGeneration: 22,
  unknownMember: 25,
  invalidSessionTimeout: 26,
  rebalanceInProgress: 27,
  topicAuthorization: 29,
  groupAuthorization: 30,
  clusterAuthorization: 31,
  topicExists: 36,
  invalidConfig: 40,
  notController: 41,
  policyViolation: 44,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  invalidTxnState: 48,
  invalidProducerIdMapping: 49,
  concurrentTransactions: 51,
  transactionalIdAuthorization: 53,
  saslAuthenticationFailed: 58,
  unknownProducerId: 59,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  memberIdRequired: 79,
  fencedInstanceId: 82,
  producerFenced: 90,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
} as const

/** The leader moved, is being elected, or is not known here: asked again after a look at the cluster, it may be. */
const LEADER_MOVED: ReadonlySet<number> = new Set([
  CODE.leaderNotAvailable,
  CODE.notLeader,
  CODE.replicaNotAvailable,
  CODE.fencedLeaderEpoch,
  CODE.unknownLeaderEpoch,
])

const COORDINATOR_MOVED: ReadonlySet<number> = new Set([
  CODE.coordinatorLoading,
  CODE.coordinatorNotAvailable,
  CODE.notCoordinator,
  CODE.notController,
])

const FENCED: ReadonlySet<number> = new Set([
  CODE.invalidProducerEpoch,
  CODE.producerFenced,
  CODE.invalidProducerIdMapping,
  CODE.invalidTxnState,
])

export function leaderMoved(code: number): boolean {
  return LEADER_MOVED.has(code)
}

export function coordinatorMoved(code: number): boolean {
  return COORDINATOR_MOVED.has(code)
}

/** Another producer of the same transactional id has begun. */
export function isFenced(code: number): boolean {
  return FENCED.has(code)
}

export interface BrokerFault {
  /** In a few words that follow “asked”: `for …`, `to …`. */
  readonly asked: string
  readonly brokers: readonly string[]
  readonly where?: ErrorWhere
  /** TLS without a certificate of our own: a broker that wants one says so by hanging up. */
  readonly bareTls?: boolean
}

/** A code that a broker answered, where nothing better is to be done than to say so. */
export function codeError(
  code: number,
  { asked, brokers, where = {} }: BrokerFault,
  detail?: string | null,
): SluiceError {
  const known = protocolErrors[protocolErrorsCodesById[code] ?? '']
  const name = known?.id ?? `error ${code}`
  const said = detail === undefined || detail === null || detail === '' ? name : `${name}: ${detail}`
  const at = brokers.join(', ')
  if (code === CODE.messageTooLarge || code === CODE.recordListTooLarge) {
    return new SluiceError(
      'BROKER_REFUSED',
      `the broker refused ${asked}: a record is larger than it takes (${said})`,
      {
        where,
        hint: 'Raise max.message.bytes of the topic, or message.max.bytes of the broker.',
      },
    )
  }
  const acl = missingAcl(code, where)
  if (acl !== null) {
    return new SluiceError('BROKER_REFUSED', `the broker at ${at} refused what was asked ${asked} (${said})`, {
      where,
      hint: acl,
    })
  }
  if (code === CODE.invalidSessionTimeout) {
    return new SluiceError('BROKER_REFUSED', `the broker at ${at} does not take our session timeout (${said})`, {
      where: { key: 'broker.session_timeout', ...where },
      hint: 'Keep it between group.min.session.timeout.ms (6s, if not set) and group.max.session.timeout.ms of the broker.',
    })
  }
  const passes = known?.canRetry === true || known === undefined || known.id === 'UNKNOWN_SERVER_ERROR'
  return passes || leaderMoved(code) || coordinatorMoved(code) || isFenced(code) || code === CODE.unknownProducerId
    ? new SluiceError('LOG_UNAVAILABLE', `the broker at ${at} could not serve what was asked ${asked} (${said})`, {
        where,
      })
    : new SluiceError('BROKER_REFUSED', `the broker at ${at} refused what was asked ${asked} (${said})`, { where })
}

/** What to allow our principal, where a broker's authorizer said no. */
function missingAcl(code: number, { topic }: ErrorWhere): string | null {
  if (code === CODE.topicAuthorization) {
    const which = topic === undefined ? 'the topic' : `topic ${topic}`
    return `Allow our principal Describe and Read on ${which} (ACL); Write too where we append to it.`
  }
  if (code === CODE.groupAuthorization) {
    return 'Allow our principal Read on groups that begin with broker.prefix (ACL, pattern type prefixed).'
  }
  if (code === CODE.transactionalIdAuthorization) {
    return 'Allow our principal Describe and Write on transactional ids that begin with broker.prefix (ACL, pattern type prefixed).'
  }
  if (code === CODE.clusterAuthorization) {
    return 'Allow our principal Create on the topics that we make, and IdempotentWrite on the cluster (ACLs).'
  }
  return null
}

/** What the library threw: a socket, a timeout, a refused login, or an answer that cannot be read. */
export function thrownError(error: unknown, { asked, brokers, where = {}, bareTls = false }: BrokerFault): SluiceError {
  if (error instanceof SluiceError) return error
  const known = error instanceof Error ? error : new Error(String(error))
  const at = brokers.join(', ')
  const inside = errorsInside(known)
  const has = (what: (each: Error) => boolean): boolean => inside.some(what)
  if (has((each) => 'code' in each && each.code === 'PLT_KFK_AUTHENTICATION')) {
    return new SluiceError('BROKER_REFUSED', `the broker at ${at} refused the login: ${reasonOf(known)}`, {
      where: { key: 'broker.sasl', ...where },
      cause: error,
    })
  }
  const needsTls = has(({ message }) => message === 'Broker requires TLS.')
  const refusesTls = has(({ message }) => message.startsWith('TLS handshake failed.'))
  if (needsTls || refusesTls) {
    const what = needsTls ? 'asks for TLS, and broker.tls is not set' : 'does not take TLS, which broker.tls asks for'
    return new SluiceError('BROKER_REFUSED', `the broker at ${at} ${what}`, {
      where: { key: 'broker.tls', ...where },
      cause: error,
    })
  }
  if (has((each) => 'code' in each && each.code === 'PLT_KFK_UNSUPPORTED_API')) {
    return new SluiceError('LOG_UNSUPPORTED', `the broker at ${at} is too old to be asked ${asked}: ${known.message}`, {
      where,
      cause: error,
    })
  }
  return new SluiceError(
    'LOG_UNAVAILABLE',
    `the broker at ${at} did not answer when asked ${asked}: ${reasonOf(known)}`,
    {
      where,
      cause: error,
      ...(bareTls && has(({ message }) => message === 'Connection closed')
        ? { hint: 'Where the broker asks for a certificate of its clients, set broker.tls.cert and broker.tls.key.' }
        : {}),
    },
  )
}

/** Whether asking again, of this broker or another, may help. */
export function mayPass(error: unknown): boolean {
  return error instanceof SluiceError && error.row.retry === 'transient'
}

/** The innermost message: the outer ones say only that something failed. */
function reasonOf(error: Error): string {
  return errorsInside(error).at(-1)?.message ?? error.message
}

const MOST_ERRORS = 64

/** The error, its causes and what it gathers, outermost first; the library looks into one of the two only. */
function errorsInside(error: Error): readonly Error[] {
  const found: Error[] = [error]
  for (let i = 0; i < found.length && found.length < MOST_ERRORS; i += 1) {
    const at = found[i]!
    const inner: unknown[] = at instanceof AggregateError ? [...at.errors, at.cause] : [at.cause]
    for (const each of inner) if (each instanceof Error && !found.includes(each)) found.push(each)
  }
  return found
}
