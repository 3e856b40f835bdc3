import { constants, zstdCompressSync } from 'node:zlib'

/** How pages are compressed. Snappy is read, but not written: no library here compresses it. */
export type PageCodec = 'zstd' | 'none'

const CODEC_IDS: Record<PageCodec, number> = { none: 0, zstd: 6 }
/** Higher levels cost more time than they save bytes on pages of columns. */
const ZSTD_LEVEL = 1
const ZSTD_OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } }

export function codecId(codec: PageCodec): number {
  return CODEC_IDS[codec]
}

/** The result never shares memory with `body`. */
export function compressPage(body: Uint8Array, codec: PageCodec): Uint8Array {
  return codec === 'zstd' ? zstdCompressSync(body, ZSTD_OPTIONS) : body.slice()
}
