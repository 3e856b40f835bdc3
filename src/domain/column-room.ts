/** Where the buffers of finished columns lie: whoever holds many batches for a while may give them room that is used again. */
export interface ColumnRoom {
  /** So many bytes, from an address that any number may begin at; what they hold is not said. */
  span(bytes: number): Uint8Array<ArrayBuffer>
}

/** A buffer for each span, let go of by nobody's care. */
export const OWN_ROOM: ColumnRoom = { span: (bytes) => new Uint8Array(bytes) }

type Elements = Uint8Array | Int32Array | Float32Array | Float64Array | BigInt64Array

/** A copy of the first `length` elements. */
export function copyInto<T extends Elements>(room: ColumnRoom, array: T, length: number): T {
  const { buffer, byteOffset } = room.span(length * array.BYTES_PER_ELEMENT)
  const copy = new (array.constructor as new (buffer: ArrayBufferLike, at: number, length: number) => T)(
    buffer,
    byteOffset,
    length,
  )
  copy.set(array.subarray(0, length) as never)
  return copy
}
