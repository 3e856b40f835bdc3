import type { Column, ColumnType } from '../../domain/column-batch.ts'
import { copyInto, OWN_ROOM, type ColumnRoom } from '../../domain/column-room.ts'
import { grown, ValidityBuilder } from './builder.ts'
import { countCodePoints, TEXT_SLACK } from './text-bytes.ts'
import { TextDictionary } from './text-dictionary.ts'

/** Short texts are mostly ASCII, and not worth a buffer each. */
const SCRATCH = new Uint8Array(64)

/**
 * string (UTF-8, checked by whoever appends bytes) and binary. Values stand one after another; after `intern`, each
 * distinct one stands once, until the column turns out not to repeat.
 */
export class BytesBuilder extends ValidityBuilder {
  readonly type: ColumnType & { readonly kind: 'string' | 'binary' }
  /** The values; has TEXT_SLACK bytes of room past the last one. Not used while there is a dictionary. */
  data: Uint8Array = new Uint8Array(0)
  view = new DataView(this.data.buffer)
  offsets: Int32Array = new Int32Array(1)
  dictionary: TextDictionary | null = null
  /** The entry of each value, where there is a dictionary. */
  ids: Int32Array = new Int32Array(0)

  /** The values that were last asked for as texts, and a view that makes such of them. */
  #shown: Uint8Array | null = null
  #texts: Buffer = Buffer.alloc(0)

  constructor(type: ColumnType & { readonly kind: 'string' | 'binary' }) {
    super()
    this.type = type
  }

  /** Only before the first value. */
  intern(): void {
    this.dictionary = new TextDictionary()
    this.reserve(this.length)
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    if (this.dictionary !== null) {
      const id = this.dictionary.add(bytes, start, end, this.length)
      if (id >= 0) {
        this.#putId(1, id)
        return
      }
      this.spread(this.length)
    }
    const from = this.#end()
    const size = end - start
    this.room(from + size)
    if (size < 32) for (let i = 0; i < size; i += 1) this.data[from + i] = bytes[start + i]!
    else this.data.set(bytes.subarray(start, end), from)
    this.#put(1, from + size)
  }

  /** The text must be well-formed. */
  appendText(text: string): void {
    if (text.length <= SCRATCH.length) {
      let i = 0
      for (; i < text.length; i += 1) {
        const code = text.charCodeAt(i)
        if (code > 0x7f) break
        SCRATCH[i] = code
      }
      if (i === text.length) return this.append(SCRATCH, 0, i)
    }
    const bytes = Buffer.from(text, 'utf8')
    return this.append(bytes, 0, bytes.length)
  }

  appendNull(): void {
    if (this.dictionary !== null) this.#putId(0, 0)
    else this.#put(0, this.#end())
  }

  appendNulls(count: number): void {
    const from = this.length
    const end = from + count
    this.reserve(end)
    this.valid.fill(0, from, end)
    if (this.dictionary !== null) this.ids.fill(0, from, end)
    else this.offsets.fill(this.#end(), from + 1, end + 1)
    this.settle(end)
  }

  bytes(index: number): Uint8Array {
    const { data, offsets } = this.#values
    const at = this.#entry(index)
    return data.subarray(offsets[at]!, offsets[at + 1]!)
  }

  text(index: number): string {
    const { data, offsets } = this.#values
    const at = this.#entry(index)
    if (data !== this.#shown) {
      this.#shown = data
      this.#texts = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    }
    return this.#texts.toString('utf8', offsets[at]!, offsets[at + 1]!)
  }

  codePoints(index: number): number {
    const { data, offsets } = this.#values
    const at = this.#entry(index)
    return countCodePoints(data, offsets[at]!, offsets[at + 1]!)
  }

  override truncate(length: number): void {
    super.truncate(length)
    this.dictionary?.truncate(length)
  }

  override reserve(length: number): void {
    super.reserve(length)
    if (this.dictionary !== null) {
      if (length > this.ids.length) this.ids = grown(this.ids, length)
    } else if (length >= this.offsets.length) this.offsets = grown(this.offsets, length + 1)
  }

  /** Room for so many bytes of values, and TEXT_SLACK more. */
  room(bytes: number): Uint8Array {
    if (bytes + TEXT_SLACK > this.data.length) {
      this.data = grown(this.data, bytes + TEXT_SLACK)
      this.view = new DataView(this.data.buffer)
    }
    return this.data
  }

  /**
   * Gives the dictionary up: the first `length` values stand one after another from now on. `valid` stays the same
   * array: whoever writes in place goes on writing to it.
   */
  spread(length: number): void {
    const { dictionary, ids } = this
    if (dictionary === null) return
    this.dictionary = null
    const rows = Math.max(length, ids.length)
    if (rows >= this.offsets.length) this.offsets = grown(this.offsets, rows + 1)
    let end = 0
    for (let row = 0; row < length; row += 1) {
      if (!this.isNull(row)) {
        const start = dictionary.offsets[ids[row]!]!
        const stop = dictionary.offsets[ids[row]! + 1]!
        this.room(end + stop - start)
        for (let at = start; at < stop; at += 1) this.data[end + at - start] = dictionary.data[at]!
        end += stop - start
      }
      this.offsets[row + 1] = end
    }
    this.ids = new Int32Array(0)
  }

  finish(room: ColumnRoom = OWN_ROOM): Column {
    const { type, length, dictionary } = this
    const validity = this.validity(room)
    if (dictionary === null) {
      const offsets = copyInto(room, this.offsets, length + 1)
      return {
        type,
        length,
        validity,
        values: { layout: 'bytes', offsets, data: copyInto(room, this.data, this.#end()) },
      }
    }
    const offsets = copyInto(room, dictionary.offsets, dictionary.count + 1)
    const data = copyInto(room, dictionary.data, offsets[dictionary.count]!)
    return {
      type,
      length,
      validity,
      values: { layout: 'dictionary', ids: copyInto(room, this.ids, length), offsets, data },
    }
  }

  get #values(): { readonly data: Uint8Array; readonly offsets: Int32Array } {
    return this.dictionary ?? this
  }

  #entry(index: number): number {
    return this.dictionary === null ? index : this.ids[index]!
  }

  #end(): number {
    return this.offsets[this.length]!
  }

  #put(present: 0 | 1, end: number): void {
    const at = this.push(present) + 1
    if (at >= this.offsets.length) this.offsets = grown(this.offsets, at + 1)
    this.offsets[at] = end
  }

  #putId(present: 0 | 1, id: number): void {
    const at = this.push(present)
    if (at >= this.ids.length) this.ids = grown(this.ids, at + 1)
    this.ids[at] = id
  }
}
