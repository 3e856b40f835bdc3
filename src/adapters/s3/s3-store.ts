import type { S3Settings } from '../../domain/settings.ts'
import { checkStorePath, checkStorePrefix } from '../../domain/store-path.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { PutOutcome } from '../../domain/outcome.ts'
import type { ObjectStat, ObjectStore, ObjectWriter } from '../../ports/object-store.ts'
import type { CountRequest } from './count-requests.ts'
import type { FileCache } from './file-cache.ts'
import { isPastEnd } from './s3-error.ts'
import type { S3Link, S3Patience } from './s3-link.ts'

/**
 * A prefix of a bucket as an object store. Nothing is asked of S3, nor is its library loaded, before the first use.
 *
 * Guarantees, beside the port's: the first conditional write proves that the bucket honours it, and refuses the store
 * (STORE_UNSAFE) where it does not (I6). `localFile` takes objects as immutable: it is for data files alone, and a file
 * that was given stays for the time that the cache promises.
 * Non-guarantee: after a lost reply `putIfAbsent` may say `exists` of what it wrote itself; the caller knows its own
 * bytes (I7).
 */
export function openS3Store({ uri, settings, cache, patience, count }: S3StoreRequest): ObjectStore {
  const { bucket, root } = parseS3Uri(uri)
  let link: Promise<S3Link> | null = null
  let proof: Promise<void> | null = null
  const connect = (): Promise<S3Link> => {
    link ??= import('./s3-link.ts').then(({ connectS3 }) => connectS3(bucket, settings, patience, count))
    return link
  }
  const shared: Shared = {
    bucket,
    cache,
    place: `${settings.endpoint ?? 's3'} ${bucket}`,
    connect,
    async proven() {
      const { provePutIfAbsent } = await import('./prove-put-if-absent.ts')
      proof ??= provePutIfAbsent(await connect(), root)
      try {
        await proof
      } catch (error) {
        // What could not be proved now may be at the next write.
        proof = null
        throw error
      }
    },
  }
  return new S3Store(root, shared)
}

export interface S3StoreRequest {
  /** `s3://bucket` or `s3://bucket/prefix`. */
  readonly uri: string
  readonly settings: S3Settings
  readonly cache: FileCache
  readonly patience?: S3Patience
  /** Told of each request. */
  readonly count?: CountRequest
}

/** What the stores that `at` gives share with the one they come from. */
interface Shared {
  readonly bucket: string
  readonly cache: FileCache
  /** Tells objects of one name in several places apart. */
  readonly place: string
  connect(): Promise<S3Link>
  proven(): Promise<void>
}

/** `root` is empty or ends in a slash. */
export function parseS3Uri(uri: string): { readonly bucket: string; readonly root: string } {
  const found = /^s3a?:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(uri)
  if (found === null) throw new SluiceError('USAGE', `${uri} is no s3://bucket/prefix`)
  const prefix = (found[2] ?? '').replace(/\/+$/, '')
  return { bucket: found[1]!, root: prefix === '' ? '' : `${checkStorePath(prefix)}/` }
}

class S3Store implements ObjectStore {
  readonly uri: string
  readonly #root: string
  readonly #shared: Shared

  constructor(root: string, shared: Shared) {
    this.uri = `s3://${shared.bucket}/${root}`.replace(/\/$/, '')
    this.#root = root
    this.#shared = shared
  }

  at(folder: string): ObjectStore {
    return new S3Store(`${this.#root}${checkStorePath(folder.replace(/\/$/, ''))}/`, this.#shared)
  }

  async read(path: string): Promise<Uint8Array | null> {
    const key = this.#key(path)
    return (await this.#shared.connect()).get(key)
  }

  async readRange(path: string, start: number, end: number): Promise<Uint8Array | null> {
    const key = this.#key(path)
    const link = await this.#shared.connect()
    const nothing = async (): Promise<Uint8Array | null> => ((await link.head(key)) === null ? null : new Uint8Array(0))
    if (end <= start) return nothing()
    try {
      return await link.get(key, { start, end })
    } catch (error) {
      if (isPastEnd(error)) return nothing()
      throw error
    }
  }

  async stat(path: string): Promise<ObjectStat | null> {
    const key = this.#key(path)
    const found = await (await this.#shared.connect()).head(key)
    if (found === null) return null
    const { bytes, modifiedMs, etag } = found
    return { path, bytes, modifiedMs, etag }
  }

  async *list(prefix: string, after = ''): AsyncIterable<ObjectStat> {
    checkStorePrefix(prefix)
    const link = await this.#shared.connect()
    const from = after === '' ? '' : this.#root + after
    for await (const { key, bytes, modifiedMs, etag } of link.list({ prefix: this.#root + prefix, after: from })) {
      yield { path: key.slice(this.#root.length), bytes, modifiedMs, etag }
    }
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    const key = this.#key(path)
    await (await this.#shared.connect()).put(key, bytes)
  }

  async putIfAbsent(path: string, bytes: Uint8Array): Promise<PutOutcome> {
    const key = this.#key(path)
    await this.#shared.proven()
    return (await this.#shared.connect()).putIfAbsent(key, bytes)
  }

  async putFile(path: string, localFile: string): Promise<void> {
    const key = this.#key(path)
    await (await this.#shared.connect()).putFile(key, localFile)
    await this.#shared.cache.adopt(this.#cacheName(key), localFile)
  }

  async openWrite(path: string): Promise<ObjectWriter> {
    const key = this.#key(path)
    return (await this.#shared.connect()).openWrite(key)
  }

  async localFile(path: string): Promise<string | null> {
    const key = this.#key(path)
    const link = await this.#shared.connect()
    return this.#shared.cache.file(this.#cacheName(key), (to) => link.download(key, to))
  }

  async delete(paths: readonly string[]): Promise<void> {
    const keys = paths.map((path) => this.#key(path))
    await (await this.#shared.connect()).delete(keys)
    for (const key of keys) await this.#shared.cache.forget(this.#cacheName(key))
  }

  /** An upload that was not finished is no object and takes a lifecycle rule of the bucket (AbortIncompleteMultipartUpload). */
  async sweepTemporary(prefix: string): Promise<number> {
    checkStorePrefix(prefix)
    return 0
  }

  #key(path: string): string {
    return this.#root + checkStorePath(path)
  }

  #cacheName(key: string): string {
    return `${this.#shared.place} ${key}`
  }
}
