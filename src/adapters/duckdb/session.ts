import { DuckDBInstance, StatementType } from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SluiceError } from '../../domain/errors.ts'
import type { EngineFile, EngineInput } from '../../ports/model-engine.ts'
import { createInputView } from './input-view.ts'
import { localFile, quoteText } from './files/quote.ts'

export interface SessionOptions {
  readonly memoryLimitBytes: number
  readonly threads: number
  /** Where it may spill; a folder of its own, removed with the session. */
  readonly spillFolder: string
  /** The folders that it may write to. */
  readonly outputFolders: readonly string[]
  /** The files that it may read beside those of its inputs. */
  readonly files?: readonly EngineFile[]
  readonly partitionedWrites?: PartitionedWrites
}

export interface PartitionedWrites {
  /** Of partitions, that stay open: one that was closed and is met again gets a second file. */
  readonly openFiles: number
  /** Rows that each thread holds until it writes them to theirs. */
  readonly flushRows: number
}

const PARTITIONED_WRITES: PartitionedWrites = { openFiles: 100_000, flushRows: 524_288 }

/**
 * Runs `work` in a database of its own, in memory, that can open the files of `inputs` and nothing else on this
 * machine: the SQL of models and queries is trusted less than code.
 */
export async function withSession<T>(
  options: SessionOptions,
  inputs: readonly EngineInput[],
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const { openFiles, flushRows } = options.partitionedWrites ?? PARTITIONED_WRITES
  await mkdir(options.spillFolder, { recursive: true })
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads),
    // the thread that waits does no work: see `run-statement.ts`
    external_threads: '0',
    memory_limit: `${Math.floor(options.memoryLimitBytes / 1024)}KiB`,
    temp_directory: options.spillFolder,
    preserve_insertion_order: 'false',
    partitioned_write_max_open_files: String(openFiles),
    partitioned_write_flush_threshold: String(flushRows),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
  try {
    const connection = await instance.connect()
    try {
      await lock(connection, options, inputs)
      for (const input of inputs) await createInputView(connection, input)
      return await work(connection)
    } finally {
      connection.closeSync()
    }
  } finally {
    instance.closeSync()
    await rm(options.spillFolder, { recursive: true, force: true })
  }
}

async function lock(
  connection: DuckDBConnection,
  options: SessionOptions,
  inputs: readonly EngineInput[],
): Promise<void> {
  const files = [...inputs.flatMap((input) => input.files), ...(options.files ?? [])]
  const paths = files.map((file) => quoteText(localFile(file)))
  await connection.run("set TimeZone = 'UTC'")
  // the files of a session never change
  await connection.run('set parquet_metadata_cache = true')
  if (paths.length > 0) await connection.run(`set allowed_paths = [${paths.join(', ')}]`)
  if (options.outputFolders.length > 0) {
    const folders = options.outputFolders.map((folder) => quoteText(join(folder, '/')))
    await connection.run(`set allowed_directories = [${folders.join(', ')}]`)
  }
  await connection.run('set enable_external_access = false')
  await connection.run('set lock_configuration = true')
}

/** One SELECT and nothing else: the files that a session may read it could also overwrite. */
export async function prepareSelect(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
  const statements = await connection.extractStatements(sql)
  if (statements.count !== 1) {
    throw new SluiceError('QUERY_INVALID', `one SELECT is wanted, and the text holds ${statements.count} statements`)
  }
  const statement = await statements.prepare(0)
  if (statement.statementType !== StatementType.SELECT) {
    statement.destroySync()
    throw new SluiceError('QUERY_INVALID', 'only a SELECT may run here', {
      hint: 'The lake is changed by models and verbs, not by SQL.',
    })
  }
  return statement
}
