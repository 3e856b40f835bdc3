import type { PutOutcome } from '../domain/outcome.ts'

/**
 * Named byte sequences below one root; shaped for S3, served by a local folder too. Paths are relative, `/`-separated,
 * and never escape the root.
 *
 * Guarantees: what `put`, `putIfAbsent` or `putFile` returned for is durable and whole, and is seen by every later
 * read and list; nothing is ever seen in part. `putIfAbsent`: of any number of racing writers exactly one is told
 * `written` (I6). Non-guarantees: a `put` that threw may have happened.
 */
export interface ObjectStore {
  /** For messages only. */
  readonly uri: string
  /** The store rooted at a folder below this one. */
  at(folder: string): ObjectStore
  /** Null where there is no such object. */
  read(path: string): Promise<Uint8Array | null>
  /** Bytes `[start, end)`; null where there is no such object. */
  readRange(path: string, start: number, end: number): Promise<Uint8Array | null>
  stat(path: string): Promise<ObjectStat | null>
  /** Objects whose path begins with `prefix`, in byte order, from the first that is greater than `after`. */
  list(prefix: string, after?: string): AsyncIterable<ObjectStat>
  put(path: string, bytes: Uint8Array): Promise<void>
  putIfAbsent(path: string, bytes: Uint8Array): Promise<PutOutcome>
  /** Stores a finished local file under `path` and may consume it. */
  putFile(path: string, localFile: string): Promise<void>
  /** A stream out for files too large to hold. Nothing is seen before `finish`. */
  openWrite(path: string): Promise<ObjectWriter>
  /** A local file with the object's bytes, for engines that read files; valid until `close`. Null where absent. */
  localFile(path: string): Promise<string | null>
  /** Absent ones are no error. */
  delete(paths: readonly string[]): Promise<void>
  /**
   * Removes what writers that died left half written below a prefix, where it is older than a time; answers how many.
   * No list shows these. 0 where the store keeps none that we could see.
   */
  sweepTemporary(prefix: string, beforeMs: number): Promise<number>
}

export interface ObjectStat {
  readonly path: string
  readonly bytes: number
  readonly modifiedMs: number
  /** Another for another content (S3's ETag), where the store has one. */
  readonly etag?: string
}

export interface ObjectWriter {
  write(bytes: Uint8Array): Promise<void>
  finish(): Promise<void>
  abort(): Promise<void>
}

/** Kinds of requests that stores charge for; a part of an upload is a `put`. */
export type RequestKind = 'get' | 'head' | 'list' | 'put' | 'delete'
