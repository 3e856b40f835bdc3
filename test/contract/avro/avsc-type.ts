import avsc from 'avsc'

/** avsc with longs as bigint; it refuses those beyond 2^53 otherwise. */
const long = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
})

/** Unions wrapped, as `{branch: value}`, unless told otherwise. */
export function avscOf(schema: unknown, wrapUnions = true): avsc.Type {
  const typeHook = (each: unknown): avsc.Type | undefined =>
    each === 'long' || (typeof each === 'object' && each !== null && 'type' in each && each.type === 'long')
      ? long
      : undefined
  return avsc.Type.forSchema(schema as avsc.Schema, { typeHook, wrapUnions })
}
