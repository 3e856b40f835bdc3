import { crc32 } from 'node:zlib'
import { SluiceError } from '../../domain/errors.ts'
import type { RowSet } from '../../domain/row-set.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { decodeBase85 } from './base85.ts'
import { unreadable, vectorPath } from './deletion-vector.ts'
import type { DeletionVector } from './deletion-vector.ts'
import { decodeRows, MalformedVector } from './roaring-rows.ts'

/** A vector of a file of half a billion rows, every other one gone. */
const MAX_BYTES = 64 * 1024 * 1024
/** Where the log does not state how many rows a file has. */
const MAX_ROWS = 2 ** 30
/** Before the data: its size; after it: its checksum (PROTOCOL, "Deletion Vector File Storage Format"). */
const SIZE_BYTES = 4
const CHECKSUM_BYTES = 4

export interface VectorOf {
  /** The data file, as the log states it. */
  readonly path: string
  /** Rows that it holds, those that are gone too; null where the log does not say. */
  readonly rows: number | null
  readonly vector: DeletionVector
}

/**
 * The rows that are gone from a file. Size, checksum and number of rows are held to what the log and the vector's file
 * state: a vector that is damaged, cut off or gone stops the caller (TABLE_FILES_MISSING), for without it deleted rows
 * would come back. One that is larger than any file needs is refused (TABLE_UNSUPPORTED).
 */
export async function readDeletedRows(store: ObjectStore, { path, rows, vector }: VectorOf): Promise<RowSet> {
  const limit = Math.min(rows ?? MAX_ROWS, MAX_ROWS)
  if (vector.sizeInBytes > MAX_BYTES || vector.cardinality > limit) {
    throw new SluiceError(
      'TABLE_UNSUPPORTED',
      `the deletion vector of ${path} in ${store.uri} has ${vector.sizeInBytes} bytes and ${vector.cardinality} rows: more than Sluice reads`,
      { where: { table: store.uri, file: path, key: 'deletionVectors' } },
    )
  }
  const bytes = await readVector(store, path, vector)
  try {
    return decodeRows(bytes, { cardinality: vector.cardinality, rows: limit })
  } catch (error) {
    if (!(error instanceof MalformedVector)) throw error
    throw unreadable(store.uri, `that of ${path}: ${error.message}`, path)
  }
}

async function readVector(store: ObjectStore, path: string, vector: DeletionVector): Promise<Uint8Array> {
  const { sizeInBytes, offset } = vector
  const file = vectorPath(vector, store.uri)
  if (file === null) {
    const bytes = decodeBase85(vector.pathOrInlineDv)
    // The text stands for a multiple of four bytes; what fills it up is cut off.
    if (bytes === null || bytes.length < sizeInBytes || bytes.length - sizeInBytes > 3) {
      throw unreadable(store.uri, `that of ${path} is stated with ${sizeInBytes} bytes and has not as many`, path)
    }
    return bytes.subarray(0, sizeInBytes)
  }
  const start = offset ?? 0
  const length = SIZE_BYTES + sizeInBytes + CHECKSUM_BYTES
  const found = await store.readRange(file, start, start + length)
  if (found === null) throw unreadable(store.uri, `${file}, that of ${path}, is not there`, file)
  if (found.length < length) throw unreadable(store.uri, `${file} ends within that of ${path}`, file)
  const view = new DataView(found.buffer, found.byteOffset, found.byteLength)
  const stated = view.getInt32(0)
  if (stated !== sizeInBytes) {
    throw unreadable(store.uri, `${file} states ${stated} bytes for that of ${path}, the log ${sizeInBytes}`, file)
  }
  const data = found.subarray(SIZE_BYTES, SIZE_BYTES + sizeInBytes)
  if (crc32(data) !== view.getUint32(SIZE_BYTES + sizeInBytes)) {
    throw unreadable(store.uri, `the checksum of that of ${path} in ${file} does not hold`, file)
  }
  return data
}
