import { ofSource } from '../../src/domain/source-error.ts'
import { recordKey, recordValue } from '../../src/domain/record-batch.ts'
import {
  undeclaredColumn,
  type DescribedColumn,
  type DescribedObject,
  type SourceValue,
} from '../../src/ports/source-connector.ts'
import type { TopicDescription } from '../../src/ports/topic-log.ts'
import type { DecodedValue } from '../../src/ports/value-decoder.ts'
import type { OpenSource } from './open-source.ts'
import { noTopic } from './other-error.ts'
import { isObject } from './records/said.ts'

const LOOKED_AT_RECORDS = 100
const LOOKED_AT_BYTES = 1024 * 1024

/** Columns as the schemas of the first records declare them, or as their values name them; none where they are not read. */
export async function describeTopics(source: OpenSource): Promise<readonly DescribedObject[]> {
  const objects: DescribedObject[] = []
  for (const topic of source.options.topics) {
    const description = await ofSource(source.name, () => source.log.describe(topic))
    if (description === null) throw noTopic(source.name, topic, false)
    objects.push(await describeTopic(source, description))
  }
  return objects
}

async function describeTopic(source: OpenSource, description: TopicDescription): Promise<DescribedObject> {
  const columns = new Map<string, DescribedColumn>()
  const keys = new Set<string>()
  for await (const { key, value } of firstRecords(source, description)) {
    for (const column of columnsOf(source, await decode(source, value)))
      if (!columns.has(column.name)) columns.set(column.name, column)
    const decoded = await decode(source, key)
    if (decoded?.kind === 'value' && isObject(decoded.value))
      for (const name of Object.keys(decoded.value)) keys.add(name)
  }
  const key = [...keys].every((name) => columns.has(name)) ? [...keys] : []
  return { name: description.topic, columns: [...columns.values()], key, bytes: null }
}

async function decode({ name, decoder }: OpenSource, bytes: Uint8Array | null): Promise<DecodedValue | null> {
  return bytes === null || decoder === null ? null : ofSource(name, async () => decoder.decode(bytes))
}

function columnsOf({ options }: OpenSource, decoded: DecodedValue | null): readonly DescribedColumn[] {
  if (decoded?.kind !== 'value') return []
  if (options.envelope === 'none') return decoded.columns ?? namesOf(decoded.value).map(undeclaredColumn)
  const after = decoded.columns?.find(({ name }) => name === 'after')?.holds
  const declared =
    after?.kind === 'struct'
      ? after.fields.map(({ name, type, nullable }) => ({ name, type: null, holds: type, nullable }))
      : namesOf(isObject(decoded.value) ? (decoded.value['after'] ?? null) : null).map(undeclaredColumn)
  const parts = options.envelopeColumns.map((part) => undeclaredColumn(`__${part.replaceAll('.', '_')}`))
  return declared.length === 0 ? [] : [...declared, ...parts]
}

function namesOf(value: SourceValue): string[] {
  return isObject(value) ? Object.keys(value) : []
}

/** Some records of each partition, from the first that it holds. */
async function* firstRecords(
  { name, log, decoder }: OpenSource,
  { topic, source, partitions }: TopicDescription,
): AsyncGenerator<{ readonly key: Uint8Array | null; readonly value: Uint8Array | null }> {
  if (decoder === null) return
  for (const { partition, start, end } of partitions) {
    if (start >= end) continue
    const bounds = { maxBytes: LOOKED_AT_BYTES, maxBatchBytes: 32 * LOOKED_AT_BYTES, waitMs: 1_000 }
    const outcome = await ofSource(name, () => log.fetch({ topic, partition, source, from: start, ...bounds }))
    let left = outcome.kind === 'batches' ? LOOKED_AT_RECORDS : 0
    for (const batch of outcome.kind === 'batches' ? outcome.batches : []) {
      for (let index = 0; index < batch.count && left > 0; index += 1, left -= 1)
        yield { key: recordKey(batch, index), value: recordValue(batch, index) }
    }
  }
}
