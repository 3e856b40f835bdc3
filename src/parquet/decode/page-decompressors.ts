import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { compressors } from 'hyparquet-compressors'
import type { CompressionCodec } from 'hyparquet'

/**
 * Every codec of Parquet. Node's own where it has one: faster, and stopped where a page unpacks to more than it says.
 * The result has exactly `rawBytes`, or a `RangeError` is thrown.
 */
export function decompressPage(bytes: Uint8Array, codec: CompressionCodec, rawBytes: number): Uint8Array {
  const raw = rawBytes === 0 ? new Uint8Array(0) : unpack(bytes, codec, rawBytes)
  if (raw.length !== rawBytes) throw new RangeError(`a page has ${raw.length} bytes of ${rawBytes}`)
  return raw
}

function unpack(bytes: Uint8Array, codec: CompressionCodec, rawBytes: number): Uint8Array {
  const limit = { maxOutputLength: rawBytes }
  switch (codec) {
    case 'UNCOMPRESSED':
      return bytes
    case 'ZSTD':
      return zstdDecompressSync(bytes, limit)
    case 'GZIP':
      return gunzipSync(bytes, limit)
    case 'BROTLI':
      return brotliDecompressSync(bytes, limit)
    default: {
      const decompress = compressors[codec]
      if (decompress === undefined) throw new RangeError(`pages compressed by ${codec} are not read`)
      return decompress(bytes, rawBytes)
    }
  }
}
