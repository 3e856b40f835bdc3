import { createAPI, fetchV13, fetchV17, type API, type Reader } from '@platformatic/kafka'
import { SluiceError } from '../../../domain/errors.ts'
import type { AbortedTransaction } from '../records/aborted-transactions.ts'

/**
 * The fetch API with its record batches left as bytes: the library's own answer makes an object of every record, checks
 * no checksum, and tells aborted records by one fetch alone. Versions 13 to 17 (Kafka 3.1 and newer) name topics by id
 * and differ in tagged fields only.
 */
export const FETCH_VERSIONS = { least: 13, most: 17 } as const

export interface FetchedPartition {
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: bigint
  readonly lastStableOffset: bigint
  readonly logStartOffset: bigint
  readonly aborted: readonly AbortedTransaction[]
  /** In a buffer that holds nothing else. */
  readonly wire: Buffer
}

export interface FetchResponse {
  readonly errorCode: number
  /** How long the broker keeps us waiting, by our quota; where it did not answer with what was asked, it holds nothing. */
  readonly throttleMs: number
  readonly topics: readonly { readonly topicId: string; readonly partitions: readonly FetchedPartition[] }[]
}

export type FetchArguments = Parameters<typeof fetchV17.createRequest>

/** The API of that version. Throws LOG_UNSUPPORTED. */
export function rawFetchApi(version: number): API<FetchArguments, FetchResponse> {
  if (version < FETCH_VERSIONS.least) {
    throw new SluiceError(
      'LOG_UNSUPPORTED',
      `the broker knows fetch version ${version}, and ${FETCH_VERSIONS.least} is the least`,
    )
  }
  const createRequest = version >= 15 ? fetchV17.createRequest : fetchV13.createRequest
  return createAPI<FetchArguments, FetchResponse>(1, version, createRequest, parseResponse)
}

/** Response => throttle_time_ms error_code session_id [responses] TAG_BUFFER, as the protocol guide has it. */
export function parseResponse(
  _correlationId: number,
  _apiKey: number,
  _version: number,
  reader: Reader,
): FetchResponse {
  const throttleMs = reader.readInt32()
  const errorCode = reader.readInt16()
  reader.readInt32()
  const topics = reader.readArray(
    (r) => {
      const topicId = r.readUUID()
      const partitions = r.readArray(readPartition, true, false)
      r.readTaggedFields()
      return { topicId, partitions }
    },
    true,
    false,
  )
  return { errorCode, throttleMs, topics }
}

function readPartition(r: Reader): FetchedPartition {
  const partition = r.readInt32()
  const errorCode = r.readInt16()
  const highWatermark = r.readInt64()
  const lastStableOffset = r.readInt64()
  const logStartOffset = r.readInt64()
  const aborted = r.readNullableArray((each) => {
    const transaction = { producerId: each.readInt64(), firstOffset: each.readInt64() }
    return transaction
  })
  r.readInt32()
  const size = Math.max(0, r.readUnsignedVarInt() - 1)
  const wire = takeBytes(r, size)
  r.skip(size)
  r.readTaggedFields()
  return { partition, errorCode, highWatermark, lastStableOffset, logStartOffset, aborted: aborted ?? [], wire }
}

function takeBytes(r: Reader, size: number): Buffer {
  if (size === 0) return Buffer.alloc(0)
  const wire = Buffer.allocUnsafeSlow(size)
  let at = 0
  for (const part of r.buffer.subarray(r.position, r.position + size).buffers) {
    wire.set(part, at)
    at += part.length
  }
  return wire
}
