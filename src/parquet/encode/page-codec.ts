import { constants, zstdCompressSync } from 'node:zlib'
import { snappyEncode } from './snappy-encode.ts'

/** How pages are compressed. */
export type PageCodec = 'zstd' | 'snappy' | 'none'

const CODEC_IDS: Record<PageCodec, number> = { none: 0, snappy: 1, zstd: 6 }
/** Higher levels cost more time than they save bytes on pages of columns. */
const ZSTD_LEVEL = 1
const ZSTD_PARAMS = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL }
/** Compressed bytes are collected in pieces of this size at most. */
const ZSTD_PIECE_BYTES = 1 << 18
const MIN_PIECE_BYTES = 1 << 10

export function codecId(codec: PageCodec): number {
  return CODEC_IDS[codec]
}

/** The result never shares memory with `body`. */
export function compressPage(body: Uint8Array, codec: PageCodec): Uint8Array {
  if (codec === 'none') return body.slice()
  if (codec === 'snappy') return snappyEncode(body)
  return zstdCompressSync(body, {
    params: ZSTD_PARAMS,
    pledgedSrcSize: body.length,
    chunkSize: Math.min(ZSTD_PIECE_BYTES, Math.max(MIN_PIECE_BYTES, body.length)),
  })
}
