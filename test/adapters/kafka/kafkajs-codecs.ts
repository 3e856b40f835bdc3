import { createRequire } from 'node:module'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { compressFrame, decompressFrame } from 'lz4-napi'

const require = createRequire(import.meta.url)

interface Encoder {
  readonly buffer: Buffer
}

/** Gives kafkajs, which knows gzip alone, the other codecs of Kafka. */
export function registerCodecs(): void {
  /* eslint-disable typescript/no-unsafe-type-assertion -- what kafkajs exports for this is typed as any */
  const { CompressionTypes, CompressionCodecs } = require('kafkajs') as {
    readonly CompressionTypes: Readonly<Record<string, number>>
    readonly CompressionCodecs: Record<number, () => unknown>
  }
  const snappy = require('kafkajs-snappy') as () => unknown
  /* eslint-enable */
  CompressionCodecs[CompressionTypes['Snappy']!] = snappy
  CompressionCodecs[CompressionTypes['LZ4']!] = () => ({
    compress: ({ buffer }: Encoder) => compressFrame(buffer),
    decompress: (bytes: Buffer) => decompressFrame(bytes),
  })
  CompressionCodecs[CompressionTypes['ZSTD']!] = () => ({
    compress: async ({ buffer }: Encoder) => zstdCompressSync(buffer),
    decompress: async (bytes: Buffer) => zstdDecompressSync(bytes),
  })
}
