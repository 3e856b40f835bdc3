import { SluiceError } from '../../../domain/errors.ts'
import { boundsOfByteArrays } from './column-bounds.ts'
import type { ColumnBounds } from './column-bounds.ts'
import { giveBuffer, NO_ROOM, withRoom } from './page-buffers.ts'
import type { Picked, PlainValues } from './page-values.ts'

/** Above this, a bulk copy beats copying word by word. */
const SHORT_BYTES = 64

/** Strings and binary: a length of four bytes, little-endian, then the bytes. */
export class ByteArrayValues implements PlainValues {
  #buffer = NO_ROOM
  #view = new DataView(this.#buffer)
  #bytes = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  append({ column, indexes, start, count }: Picked): void {
    const source = column.values
    if (source.layout !== 'bytes') {
      throw new SluiceError('BUG', `a ${source.layout} column stands where BYTE_ARRAY is declared`)
    }
    const { offsets, data } = source
    let bytes = count * 4
    if (indexes === null) bytes += offsets[start + count]! - offsets[start]!
    else for (let i = 0; i < count; i += 1) bytes += offsets[indexes[i]! + 1]! - offsets[indexes[i]!]!
    this.#reserve(bytes)
    const from = new DataView(data.buffer, data.byteOffset, data.byteLength)
    const to = this.#view
    let at = this.#bytes
    for (let i = 0; i < count; i += 1) {
      const index = indexes === null ? start + i : indexes[i]!
      const first = offsets[index]!
      const size = offsets[index + 1]! - first
      to.setInt32(at, size, true)
      at += 4
      if (size > SHORT_BYTES) new Uint8Array(this.#buffer, at, size).set(data.subarray(first, first + size))
      else copyWords(from, first, { to, at, size })
      at += size
    }
    this.#bytes = at
    this.#count += count
  }

  appendEncoded(plain: Uint8Array, count: number): void {
    this.#reserve(plain.length)
    new Uint8Array(this.#buffer).set(plain, this.#bytes)
    this.#bytes += plain.length
    this.#count += count
  }

  encoded(): Uint8Array {
    return new Uint8Array(this.#buffer, 0, this.#bytes)
  }

  get packedBound(): number {
    return 0
  }

  packInto(): null {
    return null
  }

  bounds(): ColumnBounds | null {
    return boundsOfByteArrays(this.encoded(), this.#count)
  }

  nan(): boolean {
    return false
  }

  clear(): void {
    this.#count = 0
    this.#bytes = 0
  }

  release(): void {
    this.clear()
    giveBuffer(this.#buffer)
    this.#buffer = NO_ROOM
    this.#view = new DataView(NO_ROOM)
  }

  #reserve(more: number): void {
    const buffer = withRoom(this.#buffer, this.#bytes, more)
    if (buffer === this.#buffer) return
    this.#buffer = buffer
    this.#view = new DataView(buffer)
  }
}

/** Four bytes at a time, which a byte array cannot. */
function copyWords(
  from: DataView,
  first: number,
  { to, at, size }: { readonly to: DataView; readonly at: number; readonly size: number },
): void {
  const words = size & ~3
  for (let k = 0; k < words; k += 4) to.setInt32(at + k, from.getInt32(first + k, true), true)
  for (let k = words; k < size; k += 1) to.setUint8(at + k, from.getUint8(first + k))
}
