import { crc32c, Reader } from '@platformatic/kafka'

/**
 * CRC32C, unsigned. The library takes the processor's own instruction where its optional add-on is installed, and
 * WebAssembly elsewhere; handed a plain buffer it copies the bytes first, which takes five times as long as the sum.
 */
export function crc32cOf(bytes: Buffer): number {
  return crc32c(Reader.from(bytes).buffer)
}
