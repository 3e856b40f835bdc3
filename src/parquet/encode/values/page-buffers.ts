/**
 * Buffers of pages that were written, for the pages of the next file: a file's columns need some tens of megabytes, and
 * fresh memory costs more than what is written to it. By size, which is a power of two. Kept for the life of a thread.
 */
const KEPT_BYTES = 48 * 1024 * 1024
const SMALLEST = 1 << 12
/** Room of no bytes, to begin with. */
export const NO_ROOM = new ArrayBuffer(0)
const free = new Map<number, ArrayBuffer[]>()
let kept = 0

/** Of at least so many bytes; what it holds is not said. */
export function takeBuffer(bytes: number): ArrayBuffer {
  const size = bytes <= SMALLEST ? SMALLEST : 2 ** Math.ceil(Math.log2(bytes))
  const buffer = free.get(size)?.pop()
  if (buffer === undefined) return new ArrayBuffer(size)
  kept -= size
  return buffer
}

/** Whoever gives a buffer back reads it no more, nor any view of it. */
export function giveBuffer(buffer: ArrayBuffer): void {
  const size = buffer.byteLength
  if (size < SMALLEST || kept + size > KEPT_BYTES) return
  const list = free.get(size)
  if (list === undefined) free.set(size, [buffer])
  else list.push(buffer)
  kept += size
}

/** The buffer itself, or a larger one that begins with its `used` bytes; the smaller one is given back. */
export function withRoom(buffer: ArrayBuffer, used: number, more: number): ArrayBuffer {
  const needed = used + more
  if (needed <= buffer.byteLength) return buffer
  const larger = takeBuffer(Math.max(needed, buffer.byteLength * 2))
  new Uint8Array(larger).set(new Uint8Array(buffer, 0, used))
  giveBuffer(buffer)
  return larger
}
