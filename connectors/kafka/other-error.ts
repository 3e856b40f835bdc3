import { SluiceError, type ErrorCode, type ErrorWhere } from '../../src/domain/errors.ts'

/** What the other cluster and its registry answer, told of the source: `broker.…` is ours, and not at fault. */
const CODES: Partial<Readonly<Record<ErrorCode, { readonly code: ErrorCode; readonly hint?: string }>>> = {
  LOG_UNAVAILABLE: { code: 'SOURCE_UNAVAILABLE' },
  REGISTRY_UNAVAILABLE: { code: 'SOURCE_UNAVAILABLE' },
  BROKER_REFUSED: { code: 'SOURCE_REFUSED' },
  REGISTRY_REFUSED: { code: 'SOURCE_REFUSED' },
  LOG_CORRUPT: { code: 'SOURCE_UNREADABLE', hint: "Mend the other cluster's log; what was read of it so far stands." },
  CONTRACT_INVALID: { code: 'SOURCE_UNREADABLE', hint: "A schema of the other side's registry cannot be read." },
}

export async function ofSource<T>(name: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw asSourceError(name, error)
  }
}

function asSourceError(name: string, error: unknown): unknown {
  if (!(error instanceof SluiceError)) return error
  const told = CODES[error.code]
  if (told === undefined) return error
  const { key: _ours, ...where } = error.where
  const message = error.message.replaceAll(/\bbroker\.(tls|sasl)\b/g, `sources.${name}.$1`)
  return new SluiceError(told.code, `source ${name}: ${message}`, {
    where: { source: name, ...where },
    ...(told.hint === undefined ? {} : { hint: told.hint }),
    cause: error,
  })
}

/** What a person is asked to do where a topic cannot be read on from where it was left. */
const READ_AGAIN = (name: string): string =>
  `Check the other cluster; \`sluice checkpoint reset --source ${name}\` reads its topics again from the first record they hold.`

export function noTopic(name: string, topic: string, isKnown: boolean): SluiceError {
  const was = isKnown ? ', which was read before' : ''
  return new SluiceError('SOURCE_UNREADABLE', `source ${name}: the other cluster has no topic ${topic}${was}`, {
    where: { source: name, topic },
    hint: isKnown ? READ_AGAIN(name) : `Mend sources.${name}.from_topics, or make the topic.`,
  })
}

export function otherTopic(name: string, topic: string): SluiceError {
  return new SluiceError(
    'SOURCE_CHANGED',
    `source ${name}: topic ${topic} is not the one that was read before: it was made again, or this is another cluster`,
    { where: { source: name, topic }, hint: READ_AGAIN(name) },
  )
}

export interface LostPlace {
  readonly topic: string
  readonly partition: number
  readonly next: bigint
  readonly start: bigint
  readonly limit: bigint
}

export function outOfRange(name: string, { topic, partition, next, start, limit }: LostPlace): SluiceError {
  const where: ErrorWhere = { source: name, topic, partition, offset: next.toString() }
  const what =
    next < start
      ? `begins at ${start} now: ${start - next} offsets from ${next} on were removed before they were copied`
      : `ends at ${limit}, before ${next}, where copying stopped: it was cut off`
  return new SluiceError('OFFSET_OUT_OF_RANGE', `source ${name}: ${topic}/${partition} ${what}`, {
    where,
    hint: READ_AGAIN(name),
  })
}
