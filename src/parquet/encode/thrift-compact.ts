/**
 * Encodes values in Thrift's compact protocol, as far as Parquet's metadata needs it. Integers of 64 bits are numbers:
 * Parquet's are sizes, counts and offsets, all below 2^53.
 */

export type ThriftValue =
  | { readonly wire: 'bool'; readonly value: boolean }
  | { readonly wire: 'i32' | 'i64'; readonly value: number }
  | { readonly wire: 'binary'; readonly value: Uint8Array }
  | { readonly wire: 'list'; readonly of: ThriftValue['wire']; readonly items: readonly ThriftValue[] }
  | { readonly wire: 'struct'; readonly fields: readonly ThriftField[] }

/** A field's id, ascending within its struct, and its value; an absent value is not written. */
export type ThriftField = readonly [id: number, value: ThriftValue | null]

export const i32 = (value: number): ThriftValue => ({ wire: 'i32', value })
export const i64 = (value: number): ThriftValue => ({ wire: 'i64', value })
export const bool = (value: boolean): ThriftValue => ({ wire: 'bool', value })
export const binary = (value: Uint8Array): ThriftValue => ({ wire: 'binary', value })
export const text = (value: string): ThriftValue => ({ wire: 'binary', value: Buffer.from(value, 'utf8') })
export const struct = (fields: readonly ThriftField[]): ThriftValue => ({ wire: 'struct', fields })
export const list = (of: ThriftValue['wire'], items: readonly ThriftValue[]): ThriftValue => ({
  wire: 'list',
  of,
  items,
})

const TYPE_IDS: Record<ThriftValue['wire'], number> = { bool: 1, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 }
const BOOL_FALSE = 2

export function encodeThrift(value: ThriftValue): Uint8Array {
  const sink = new Sink()
  writeValue(sink, value)
  return sink.take()
}

function writeValue(sink: Sink, value: ThriftValue): void {
  switch (value.wire) {
    case 'bool':
      sink.byte(value.value ? TYPE_IDS.bool : BOOL_FALSE)
      return
    case 'i32':
    case 'i64':
      sink.varint(value.value >= 0 ? value.value * 2 : -value.value * 2 - 1)
      return
    case 'binary':
      sink.varint(value.value.length)
      sink.bytes(value.value)
      return
    case 'list': {
      const { items } = value
      if (items.length < 15) sink.byte((items.length << 4) | TYPE_IDS[value.of])
      else {
        sink.byte(0xf0 | TYPE_IDS[value.of])
        sink.varint(items.length)
      }
      for (const item of items) writeValue(sink, item)
      return
    }
    case 'struct': {
      let before = 0
      for (const [id, field] of value.fields) {
        if (field === null) continue
        // Ids of Parquet's structs lie so close together that the short form always fits.
        const type = field.wire === 'bool' && !field.value ? BOOL_FALSE : TYPE_IDS[field.wire]
        sink.byte(((id - before) << 4) | type)
        before = id
        if (field.wire !== 'bool') writeValue(sink, field)
      }
      sink.byte(0)
    }
  }
}

class Sink {
  #bytes = new Uint8Array(256)
  #length = 0

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length] = value
    this.#length += 1
  }

  varint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.byte(rest)
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#bytes.set(value, this.#length)
    this.#length += value.length
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}
