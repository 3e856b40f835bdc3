import { snappyEncode } from './snappy-encode.ts'
import { zstdFrame } from './zstd-frames.ts'

/** How pages are compressed. */
export type PageCodec = 'zstd' | 'snappy' | 'none'

const CODEC_IDS: Record<PageCodec, number> = { none: 0, snappy: 1, zstd: 6 }

export function codecId(codec: PageCodec): number {
  return CODEC_IDS[codec]
}

/** The result never shares memory with `body`. */
export function compressPage(body: Uint8Array, codec: PageCodec): Uint8Array {
  if (codec === 'none') return body.slice()
  return codec === 'snappy' ? snappyEncode(body) : zstdFrame(body)
}
