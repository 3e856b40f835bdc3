import { createAPI, produceV10, produceV11, produceV9, Writer, type API } from '@platformatic/kafka'
import { SluiceError } from '../../../domain/errors.ts'
import type { TopicPartition } from '../../../domain/position.ts'

/** The produce API with batches that are encoded already. Versions 9 to 11 differ in tagged fields of the answer only. */

export interface PlacedBatch extends TopicPartition {
  readonly bytes: Buffer
}

export type ProduceArguments = [transactionalId: string | null, batches: readonly PlacedBatch[]]

const ACKS_ALL = -1
const TIMEOUT_MS = 30_000

/** The API of that version. Throws LOG_UNSUPPORTED. */
export function rawProduceApi(version: number): API<ProduceArguments, produceV11.ProduceResponse> {
  const { parseResponse } = version >= 11 ? produceV11 : version === 10 ? produceV10 : produceV9
  if (version < 9)
    throw new SluiceError('LOG_UNSUPPORTED', `the broker knows produce version ${version}, and 9 is the least`)
  return createAPI<ProduceArguments, produceV11.ProduceResponse>(0, version, createRequest, parseResponse)
}

/** Request => transactional_id acks timeout_ms [topic_data => name [partition_data => index records]], flexible. */
function createRequest(...[transactionalId, batches]: ProduceArguments): Writer {
  const topics = [...Map.groupBy(batches, ({ topic }) => topic)]
  return Writer.create()
    .appendString(transactionalId)
    .appendInt16(ACKS_ALL)
    .appendInt32(TIMEOUT_MS)
    .appendArray(topics, (w, [topic, placed]) => {
      w.appendString(topic).appendArray(placed, (inner, { partition, bytes }) => {
        inner
          .appendInt32(partition)
          .appendUnsignedVarInt(bytes.length + 1)
          .append(bytes)
      })
    })
    .appendTaggedFields()
}
