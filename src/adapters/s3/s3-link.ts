import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import type { GetObjectCommandOutput, S3ClientConfig } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import PQueue from 'p-queue'
import type { S3Settings } from '../../domain/settings.ts'
import type { PutOutcome } from '../../domain/outcome.ts'
import type { ObjectWriter } from '../../ports/object-store.ts'
import { isAbsent, isPastEnd, isRace, isTaken, isUploadOver, s3Error } from './s3-error.ts'
import { countRequests, type CountRequest } from './count-requests.ts'
import { tryAgain } from './try-again.ts'

/**
 * Requests to one bucket, by whole keys. Each is tried again with jitter where that can help: requests by the SDK,
 * bodies that break off by us.
 */
export interface S3Link {
  /** For messages: `s3://bucket`. */
  readonly uri: string
  get(key: string, range?: ByteRange): Promise<Uint8Array | null>
  /** Into a local file, whole; false where there is no such object. */
  download(key: string, localFile: string): Promise<boolean>
  head(key: string): Promise<S3Object | null>
  list(request: { readonly prefix: string; readonly after: string }): AsyncIterable<S3Object>
  put(key: string, bytes: Uint8Array): Promise<void>
  /** I6. A reply that was lost may hide that we wrote: `exists` then. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<PutOutcome>
  putFile(key: string, localFile: string): Promise<void>
  openWrite(key: string): ObjectWriter
  delete(keys: readonly string[]): Promise<void>
}

/** `[start, end)`, not empty. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface S3Object {
  readonly key: string
  readonly bytes: number
  readonly modifiedMs: number
  readonly etag: string
}

/** How long the world may take; for tests that have less time. */
export interface S3Patience {
  readonly attempts: number
  readonly requestTimeoutMs: number
}

const PATIENCE: S3Patience = { attempts: 6, requestTimeoutMs: 60_000 }
const CONNECT_TIMEOUT_MS = 5_000
const CONNECTIONS = 64
/** A part is held until it is sent: at most two at a time. S3 takes 10,000, so 156 GiB. */
const PART_BYTES = 16 * 1024 * 1024
const PARTS_AT_ONCE = 2
const DELETE_BATCH = 1_000
const DELETES_AT_ONCE = 4
/** Writers of one name that S3 told to try again (409) do so this often. */
const RACE_ATTEMPTS = 8

export function connectS3(
  bucket: string,
  settings: S3Settings,
  patience: S3Patience = PATIENCE,
  count: CountRequest = () => undefined,
): S3Link {
  const client = new S3Client(clientConfig(settings, patience))
  countRequests(client, count)
  return new Bucket(client, bucket, { settings, patience })
}

function clientConfig(settings: S3Settings, patience: S3Patience): S3ClientConfig {
  const { accessKeyId, secretAccessKey, sessionToken } = settings
  return {
    // Where neither settings nor environment say, S3-like servers take any region.
    ...(settings.region === null ? {} : { region: settings.region }),
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint }),
    ...(settings.profile === null ? {} : { profile: settings.profile }),
    ...(accessKeyId === null || secretAccessKey === null
      ? {}
      : { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === null ? {} : { sessionToken }) } }),
    forcePathStyle: settings.forcePathStyle,
    maxAttempts: patience.attempts,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: patience.requestTimeoutMs,
      throwOnRequestTimeout: true,
      socketTimeout: patience.requestTimeoutMs,
      httpAgent: { keepAlive: true, maxSockets: CONNECTIONS },
      httpsAgent: { keepAlive: true, maxSockets: CONNECTIONS },
    },
  }
}

interface Ways {
  readonly settings: S3Settings
  readonly patience: S3Patience
}

class Bucket implements S3Link {
  readonly uri: string
  readonly #client: S3Client
  readonly #bucket: string
  readonly #ways: Ways

  constructor(client: S3Client, bucket: string, ways: Ways) {
    this.uri = `s3://${bucket}`
    this.#client = client
    this.#bucket = bucket
    this.#ways = ways
  }

  get(key: string, range?: ByteRange): Promise<Uint8Array | null> {
    return this.#body(key, range, (body) => body.transformToByteArray())
  }

  async download(key: string, localFile: string): Promise<boolean> {
    const done = await this.#body(key, undefined, async (body) => {
      // With `flush` the bytes are on the disk before the stream ends.
      const file = createWriteStream(localFile, { flush: true })
      await pipeline(body as Readable, file)
      return { length: file.bytesWritten }
    })
    return done !== null
  }

  async head(key: string): Promise<S3Object | null> {
    try {
      const found = await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }))
      const { ContentLength: bytes = 0, LastModified: modified, ETag: etag = '' } = found
      return { key, bytes, modifiedMs: modified?.getTime() ?? 0, etag }
    } catch (error) {
      if (isAbsent(error)) return null
      throw this.#failed(error, 'Looking at', key)
    }
  }

  async *list({ prefix, after }: { readonly prefix: string; readonly after: string }): AsyncIterable<S3Object> {
    let token: string | undefined
    do {
      const page = await this.#page(prefix, token === undefined ? { StartAfter: after } : { ContinuationToken: token })
      for (const { Key: key, Size: bytes = 0, LastModified: modified, ETag: etag = '' } of page.Contents ?? []) {
        // Some consoles mark a folder by an empty object whose name ends in a slash: no object of ours.
        if (key !== undefined && !key.endsWith('/')) yield { key, bytes, modifiedMs: modified?.getTime() ?? 0, etag }
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined
    } while (token !== undefined)
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#client.send(new PutObjectCommand({ ...this.#target(key), Body: bytes }))
    } catch (error) {
      throw this.#failed(error, 'Writing', key)
    }
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<PutOutcome> {
    const put = async (): Promise<PutOutcome> => {
      try {
        await this.#client.send(new PutObjectCommand({ ...this.#target(key), Body: bytes, IfNoneMatch: '*' }))
        return 'written'
      } catch (error) {
        if (isTaken(error)) return 'exists'
        throw error
      }
    }
    try {
      // 409: another write of this name was under way; only a second try tells whether it took the name.
      return await tryAgain(put, { attempts: RACE_ATTEMPTS, when: isRace })
    } catch (error) {
      throw this.#failed(error, 'Writing', key)
    }
  }

  async putFile(key: string, localFile: string): Promise<void> {
    const { size } = await stat(localFile)
    if (size <= PART_BYTES) return this.put(key, await readFile(localFile))
    await this.#finish(this.#upload(key, createReadStream(localFile, { highWaterMark: 1024 * 1024 })), key, () => size)
  }

  openWrite(key: string): ObjectWriter {
    const body = new PassThrough({ highWaterMark: 1024 * 1024 })
    const upload = this.#upload(key, body)
    let written = 0
    let failure: unknown = null
    const done = this.#finish(upload, key, () => written).catch((error: unknown) => {
      failure = error
      body.destroy()
    })
    return {
      write: async (bytes) => {
        written += bytes.length
        // The caller may use its bytes again as soon as this returns; a part is sent later.
        if (!body.destroyed && !body.write(Buffer.from(bytes))) await roomIn(body)
        // The upload gives its stream up before it has said why, and before it has removed its parts.
        if (body.destroyed) await done
        if (failure !== null) throw failure
      },
      finish: async () => {
        body.end()
        await done
        if (failure !== null) throw failure
      },
      abort: async () => {
        await upload.abort()
        body.destroy()
        await done
      },
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    const batches: (readonly string[])[] = []
    for (let at = 0; at < keys.length; at += DELETE_BATCH) batches.push(keys.slice(at, at + DELETE_BATCH))
    const queue = new PQueue({ concurrency: DELETES_AT_ONCE })
    await queue.addAll(batches.map((batch) => () => this.#deleteBatch(batch)))
  }

  async #deleteBatch(batch: readonly string[]): Promise<void> {
    try {
      const { Errors: left = [] } = await this.#client.send(
        new DeleteObjectsCommand({
          Bucket: this.#bucket,
          Delete: { Objects: batch.map((Key) => ({ Key })), Quiet: true },
        }),
      )
      const failed = left.find(({ Code }) => Code !== 'NoSuchKey')
      if (failed !== undefined) throw Object.assign(new Error(failed.Message ?? 'refused'), { name: failed.Code })
    } catch (error) {
      throw this.#failed(error, 'Removing', batch[0] ?? '')
    }
  }

  /** A body that breaks off is asked for again from its start. Null where there is no such object. */
  async #body<T extends { readonly length: number }>(
    key: string,
    range: ByteRange | undefined,
    take: (body: NonNullable<GetObjectCommandOutput['Body']>) => Promise<T>,
  ): Promise<T | null> {
    let answered = false
    const get = async (): Promise<T | null> => {
      answered = false
      const request = {
        Bucket: this.#bucket,
        Key: key,
        ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
      }
      const { Body: body, ContentLength: length } = await this.#client.send(new GetObjectCommand(request))
      answered = true
      if (body === undefined) throw new Error('the reply has no body')
      const taken = await take(body)
      if (length !== undefined && taken.length !== length) {
        throw new Error(`the body broke off after ${taken.length} of ${length} bytes`)
      }
      return taken
    }
    try {
      return await tryAgain(get, { attempts: this.#ways.patience.attempts, when: () => answered })
    } catch (error) {
      if (isAbsent(error)) return null
      throw isPastEnd(error) ? error : this.#failed(error, 'Reading', key)
    }
  }

  async #page(prefix: string, from: { readonly StartAfter: string } | { readonly ContinuationToken: string }) {
    try {
      return await this.#client.send(new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: prefix, ...from }))
    } catch (error) {
      throw this.#failed(error, 'Listing', prefix)
    }
  }

  #target(key: string) {
    const { encryption, kmsKeyId } = this.#ways.settings
    return {
      Bucket: this.#bucket,
      Key: key,
      ...(encryption === 'none' ? {} : { ServerSideEncryption: encryption }),
      ...(kmsKeyId === null ? {} : { SSEKMSKeyId: kmsKeyId }),
    }
  }

  /** Aborted, parts and all, where it fails. */
  #upload(key: string, body: Readable): Upload {
    return new Upload({
      client: this.#client,
      params: { ...this.#target(key), Body: body },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
      leavePartsOnError: false,
    })
  }

  /** An upload whose last request was answered, and the answer lost, is over when it is asked again: the object tells (I7). */
  async #finish(upload: Upload, key: string, bytes: () => number): Promise<void> {
    try {
      await upload.done()
    } catch (error) {
      if (isUploadOver(error) && (await this.head(key))?.bytes === bytes()) return
      throw this.#failed(error, 'Writing', key)
    }
  }

  #failed(error: unknown, doing: string, key: string): Error {
    return s3Error(error, `${doing} ${this.uri}/${key}`)
  }
}

/** Until the stream takes more, or is given up. */
function roomIn(body: PassThrough): Promise<void> {
  return new Promise((go) => {
    if (body.destroyed) {
      go()
      return
    }
    const done = (): void => {
      body.off('drain', done).off('close', done)
      go()
    }
    body.once('drain', done).once('close', done)
  })
}
