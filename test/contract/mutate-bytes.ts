import fc from 'fast-check'

export interface Mutation {
  readonly at: number
  readonly byte: number
  readonly kind: 'set' | 'insert' | 'remove' | 'cut' | 'flip'
}

export const arbitraryMutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(),
  byte: fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 0x7f, 0x80, 0xff), fc.nat(255)),
  kind: fc.constantFrom('set', 'set', 'insert', 'remove', 'cut', 'flip'),
})

/** A message with its body changed at one place; the five bytes of its header stand. */
export function mutateBody(message: Uint8Array, { at, byte, kind }: Mutation): Uint8Array {
  const where = 5 + (at % Math.max(1, message.length - 5))
  const [head, rest] = [message.subarray(0, where), message.subarray(where)]
  switch (kind) {
    case 'set':
      return Uint8Array.of(...head, byte, ...rest.subarray(1))
    case 'insert':
      return Uint8Array.of(...head, byte, ...rest)
    case 'remove':
      return Uint8Array.of(...head, ...rest.subarray(1))
    case 'cut':
      return head.slice()
    case 'flip':
      return rest.length === 0
        ? head.slice()
        : Uint8Array.of(...head, rest[0]! ^ (1 << (byte & 7)), ...rest.subarray(1))
  }
}
