import { SluiceError, type ErrorWhere } from '../../src/domain/errors.ts'

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
