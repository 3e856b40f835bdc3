/** What a writer of a race puts: its own bytes, and large enough that half of them would show. */
export function writerBytes(writer: number): Uint8Array {
  return Buffer.from(`writer ${writer};`.repeat(500))
}
