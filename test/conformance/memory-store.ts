import { readFile } from 'node:fs/promises'
import { checkStorePath, checkStorePrefix } from '../../src/domain/store-path.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import type { PutOutcome } from '../../src/domain/outcome.ts'
import type { ObjectStat, ObjectStore, ObjectWriter } from '../../src/ports/object-store.ts'

export type StoreCall = 'read' | 'stat' | 'list' | 'put' | 'putIfAbsent'

/** What befalls a call before, or instead of, its doing. Return nothing to let it be. */
export type Trouble = (call: StoreCall, path: string) => TroubleKind | undefined | Promise<TroubleKind | undefined>
export type TroubleKind =
  /** Nothing is done, and the caller is told so. */
  | 'refuse'
  /** It is done, and the caller is told that it failed. */
  | 'lose-reply'
  /** As `lose-reply`, with an error that no one foresaw. */
  | 'lose-reply-oddly'

/** A double of an object store: in memory, with trouble on request. */
export class MemoryStore implements ObjectStore {
  readonly uri: string
  readonly objects: Map<string, { readonly bytes: Uint8Array; readonly modifiedMs: number }>
  trouble: Trouble
  /** Every call that reached the store. */
  readonly calls: [StoreCall, string][] = []
  nowMs: () => number
  readonly #below: string
  readonly #root: MemoryStore

  constructor(from?: { readonly root: MemoryStore; readonly below: string }) {
    this.#root = from?.root ?? this
    this.#below = from?.below ?? ''
    this.uri = `memory:${this.#below}`
    this.objects = from?.root.objects ?? new Map()
    this.trouble = () => undefined
    let ticks = 1_700_000_000_000
    this.nowMs = () => ticks++
  }

  at(folder: string): ObjectStore {
    return new MemoryStore({ root: this.#root, below: `${this.#key(folder)}/` })
  }

  async read(path: string): Promise<Uint8Array | null> {
    return this.#doing('read', path, () => this.objects.get(this.#key(path))?.bytes ?? null)
  }

  async readRange(path: string, start: number, end: number): Promise<Uint8Array | null> {
    return (await this.read(path))?.slice(start, end) ?? null
  }

  async stat(path: string): Promise<ObjectStat | null> {
    return this.#doing('stat', path, () => {
      const found = this.objects.get(this.#key(path))
      return found === undefined ? null : { path, bytes: found.bytes.length, modifiedMs: found.modifiedMs }
    })
  }

  async *list(prefix: string, after = ''): AsyncIterable<ObjectStat> {
    checkStorePrefix(prefix)
    await this.#doing('list', prefix, () => null)
    const paths = Array.from(this.objects.keys())
      .filter((key) => key.startsWith(this.#below + prefix))
      .map((key) => key.slice(this.#below.length))
      .filter((path) => Buffer.compare(Buffer.from(path), Buffer.from(after)) > 0)
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    for (const path of paths) {
      const found = this.objects.get(this.#below + path)
      if (found !== undefined) yield { path, bytes: found.bytes.length, modifiedMs: found.modifiedMs }
    }
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    await this.#doing('put', path, () => this.#set(path, bytes))
  }

  async putIfAbsent(path: string, bytes: Uint8Array): Promise<PutOutcome> {
    return this.#doing('putIfAbsent', path, () => {
      if (this.objects.has(this.#key(path))) return 'exists'
      this.#set(path, bytes)
      return 'written'
    })
  }

  async putFile(path: string, localFile: string): Promise<void> {
    await this.put(path, await readFile(localFile))
  }

  async openWrite(path: string): Promise<ObjectWriter> {
    this.#key(path)
    const chunks: Uint8Array[] = []
    return {
      write: async (bytes) => void chunks.push(bytes.slice()),
      finish: () => this.put(path, Buffer.concat(chunks)),
      abort: async () => void chunks.splice(0),
    }
  }

  async localFile(path: string): Promise<string | null> {
    this.#key(path)
    return null
  }

  async delete(paths: readonly string[]): Promise<void> {
    for (const path of paths) this.objects.delete(this.#key(path))
  }

  async sweepTemporary(prefix: string): Promise<number> {
    checkStorePrefix(prefix)
    return 0
  }

  #key(path: string): string {
    return this.#below + checkStorePath(path)
  }

  #set(path: string, bytes: Uint8Array): void {
    this.objects.set(this.#key(path), { bytes: bytes.slice(), modifiedMs: this.#root.nowMs() })
  }

  async #doing<T>(call: StoreCall, path: string, act: () => T): Promise<T> {
    const key = this.#key(path === '' || path.endsWith('/') ? `${path}_` : path)
    this.#root.calls.push([call, key])
    const trouble = await this.#root.trouble(call, path)
    if (trouble === 'refuse') throw new SluiceError('STORE_UNAVAILABLE', `${call} of ${path} was refused`)
    const done = act()
    if (trouble === 'lose-reply') throw new SluiceError('STORE_UNAVAILABLE', `the reply to ${call} of ${path} was lost`)
    if (trouble === 'lose-reply-oddly') throw new TypeError('socket hang up')
    return done
  }
}
