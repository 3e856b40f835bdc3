import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

import type { ExactObject } from './exact-json.ts'

/** A checkpoint's Parquet file as rows: structs and maps as objects, 64-bit integers as bigints. */
export async function readCheckpointRows(bytes: Uint8Array): Promise<ExactObject[]> {
  const file = new Uint8Array(bytes).buffer
  return (await parquetReadObjects({ file, compressors })) as ExactObject[]
}
