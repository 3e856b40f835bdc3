/**
 * Whether avsc may be asked to read a body at all: it looks for the end of the bytes only when it is done, so that a
 * block that begins behind the end, or is of a billion elements, fills the memory, and a negative length walks it backwards for ever.
 */
export function isSafeForAvsc(schema: unknown, body: Uint8Array): boolean {
  const walk = new Walk(body)
  try {
    walk.read(schema)
    return true
  } catch (error) {
    if (error instanceof Unsafe) return false
    if (error instanceof Ended) return !walk.sawBlocks
    throw error
  }
}

class Unsafe extends Error {}
class Ended extends Error {}

const MAX_COUNT = 10_000n
const SIZES: Readonly<Record<string, number>> = { null: 0, boolean: 1, float: 4, double: 8 }

/** Follows the specification's encoding, and stops at what breaks it. */
class Walk {
  readonly #bytes: Uint8Array
  readonly #named = new Map<string, unknown>()
  sawBlocks = false
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  read(schema: unknown): void {
    if (Array.isArray(schema)) return this.#branch(schema)
    const type = typeof schema === 'string' ? schema : (schema as { type: string }).type
    const named = this.#named.get(type)
    if (named !== undefined) return this.read(named)
    const node = schema as Record<string, unknown>
    if (typeof node === 'object' && typeof node['name'] === 'string') this.#named.set(node['name'], schema)
    switch (type) {
      case 'int':
      case 'long':
        this.#varint()
        return undefined
      case 'string':
      case 'bytes':
        return this.#skip(this.#size())
      case 'fixed':
        return this.#skip(BigInt(node['size'] as number))
      case 'enum':
        this.#index((node['symbols'] as unknown[]).length)
        return undefined
      case 'record':
        for (const field of node['fields'] as { type: unknown }[]) this.read(field.type)
        return undefined
      case 'array':
        return this.#blocks(() => this.read(node['items']))
      case 'map':
        return this.#blocks(() => {
          this.#skip(this.#size())
          this.read(node['values'])
        })
      default:
        return this.#skip(BigInt(SIZES[type]!))
    }
  }

  #branch(branches: readonly unknown[]): void {
    this.read(branches[this.#index(branches.length)])
  }

  #blocks(readOne: () => void): void {
    this.sawBlocks = true
    for (;;) {
      let count = this.#varint()
      if (count === 0n) return
      if (count < 0n) {
        count = -count
        this.#varint()
      }
      if (count > MAX_COUNT) throw new Unsafe()
      for (let i = 0n; i < count; i += 1n) readOne()
    }
  }

  #index(count: number): number {
    const index = Number(this.#varint())
    if (index < 0 || index >= count) throw new Ended()
    return index
  }

  #size(): bigint {
    const size = this.#varint()
    if (size < 0n) throw new Unsafe()
    return size
  }

  #skip(size: bigint): void {
    if (size > BigInt(this.#bytes.length - this.#at)) throw new Ended()
    this.#at += Number(size)
  }

  #varint(): bigint {
    let raw = 0n
    for (let i = 0n; i < 10n; i += 1n) {
      if (this.#at >= this.#bytes.length) throw new Ended()
      const byte = BigInt(this.#bytes[this.#at]!)
      this.#at += 1
      raw |= (byte & 127n) << (7n * i)
      if (byte < 128n) return (raw >> 1n) ^ -(raw & 1n)
    }
    throw new Unsafe()
  }
}
