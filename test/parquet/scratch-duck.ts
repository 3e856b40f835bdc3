import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import type { Cell } from './build-columns.ts'
import { openDuck, type Duck } from './duckdb-cells.ts'

export interface ScratchDuck {
  rows(sql: string): Promise<Cell[][]>
  /** Puts a file where DuckDB reads it, and returns its path: each has a name of its own, since DuckDB keeps what it read of one. */
  put(bytes: Uint8Array): Promise<string>
}

/** A DuckDB and a folder for the tests of one file; both go with them. */
export function scratchDuck(): ScratchDuck {
  let duck: Duck
  let folder: string
  let files = 0
  before(async () => {
    duck = await openDuck()
    folder = await mkdtemp(join(tmpdir(), 'sluice-parquet-'))
  })
  after(async () => {
    duck.close()
    await rm(folder, { recursive: true })
  })
  return {
    rows: (sql) => duck.rows(sql),
    async put(bytes) {
      files += 1
      const path = join(folder, `${files}.parquet`)
      await writeFile(path, bytes)
      return path
    },
  }
}
