import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { Compressors } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

/** Every codec of Parquet. Node's own where it has one: faster, and stopped where a page unpacks to more than it says. */
export const pageDecompressors: Compressors = {
  ...compressors,
  ZSTD: (input, bytes) => zstdDecompressSync(input, limit(bytes)),
  GZIP: (input, bytes) => gunzipSync(input, limit(bytes)),
  BROTLI: (input, bytes) => brotliDecompressSync(input, limit(bytes)),
}

function limit(bytes: number): { readonly maxOutputLength: number } {
  // Zero would mean "no output at all is allowed" to some versions and "no limit" to others.
  return { maxOutputLength: Math.max(1, bytes) }
}
