import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'

import { SluiceError } from '../../src/domain/errors.ts'
import { isGzip } from './files-options.ts'
import type { FilePlace, FoundFile } from './places/file-place.ts'

const CHUNK_BYTES = 256 * 1024

export interface OpenFile {
  readonly source: string
  readonly place: FilePlace
  readonly file: FoundFile
}

export interface FileBytes {
  /** Decompressed. */
  readonly chunks: AsyncIterable<Buffer>
  /** Of what is stored; known once `chunks` ended. */
  digest(): StoredDigest
}

export interface StoredDigest {
  readonly bytes: number
  readonly sha256: string
}

/** Streams a file, and what it hashed to on the way. Throws SOURCE_UNREADABLE naming the file. */
export function openBytes(opened: OpenFile, signal?: AbortSignal): FileBytes {
  const { place, file } = opened
  const hash = createHash('sha256')
  let bytes = 0
  let digest: StoredDigest | null = null
  const stored = place.stream(file)
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      bytes += chunk.length
      done(null, chunk)
    },
  })
  const last = isGzip(file.object) ? createGunzip({ chunkSize: CHUNK_BYTES }) : tap
  async function* chunks(): AsyncGenerator<Buffer> {
    const done = last === tap ? pipeline(stored, tap) : pipeline(stored, tap, last)
    // A failure reaches the reader through `last`; this only keeps it from counting as unhandled.
    done.catch(() => undefined)
    try {
      for await (const chunk of last) {
        if (signal?.aborted === true) return
        yield chunk as Buffer
      }
    } catch (error) {
      throw readFailure(opened, error)
    } finally {
      stored.destroy()
      last.destroy()
    }
    digest = { bytes, sha256: hash.digest('hex') }
  }
  return {
    chunks: chunks(),
    digest: () => {
      if (digest === null) throw new TypeError('the digest is known once the file was read to its end')
      return digest
    },
  }
}

/**
 * Reads a file once to its end: hashes what is stored and proves that it decompresses, so that no row of a file
 * travels that cannot be read whole. Null where the signal ended it.
 */
export async function fingerprint(file: OpenFile, signal?: AbortSignal): Promise<StoredDigest | null> {
  const bytes = openBytes(file, signal)
  for await (const _ of bytes.chunks) {
    // Only read.
  }
  return signal?.aborted === true ? null : bytes.digest()
}

function readFailure({ source, place, file }: OpenFile, error: unknown): unknown {
  if (error instanceof SluiceError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code.startsWith('Z_')) {
    const why = code === 'Z_BUF_ERROR' ? 'is cut off' : 'is damaged'
    return new SluiceError('SOURCE_UNREADABLE', `source ${source}: the gzip file ${file.object} ${why}`, {
      where: { source, file: file.object },
      hint: 'Put a whole file in its place; none of its rows were read yet.',
      cause: error,
    })
  }
  return place.failed(file, error)
}
