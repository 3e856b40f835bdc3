import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { constants, gunzipSync } from 'node:zlib'
import { SluiceError } from '../../domain/errors.ts'
import { plainNames } from '../../domain/plain-names.ts'
import type { SourceSettings } from '../../domain/settings.ts'
import type { DescribedColumn } from '../../ports/source-connector.ts'
import type { Bench } from '../../ports/world.ts'

/** A file that a person named, as the files connector reads it. */
export interface SourceFile {
  /** Absolute. */
  readonly path: string
  readonly format: 'csv' | 'jsonl' | 'parquet'
  readonly delimiter: string
  readonly gzip: boolean
  /** A name for its topic and table, from the file's. */
  readonly table: string
}

const LOOKED_AT_BYTES = 64 * 1024

/** Looks at the ending and the first line. Throws FILE_UNREADABLE, also for what is no CSV, no JSON lines and no Parquet. */
export async function lookAtFile(path: string): Promise<SourceFile> {
  const gzip = /\.gz$/i.test(path)
  const head = await readHead(path, gzip)
  const isParquet = !gzip && head.startsWith('PAR1')
  const wrong = isParquet ? null : whatElse(head)
  if (wrong !== null) {
    throw new SluiceError('FILE_UNREADABLE', `${path} cannot be read: ${wrong.is}`, {
      where: { file: path },
      hint: wrong.cure.replace('FILE', () => basename(path)),
    })
  }
  const ending = /\.([a-z0-9]+)(\.gz)?$/i.exec(basename(path))?.[1]?.toLowerCase() ?? ''
  const isJson = ending === 'jsonl' || ending === 'ndjson' || (ending !== 'csv' && head.trimStart().startsWith('{'))
  const stem = basename(path)
    .replace(/\.gz$/i, '')
    .replace(/\.[^.]*$/, '')
  return {
    path,
    format: isParquet ? 'parquet' : isJson ? 'jsonl' : 'csv',
    delimiter: isJson || isParquet ? ',' : delimiterOf(head),
    gzip,
    table: (plainNames([stem])[0] ?? 'records').toLowerCase().slice(0, 60),
  }
}

/** The source as settings would state it. */
export function sourceOf(file: SourceFile): SourceSettings {
  return {
    name: file.table,
    connector: 'files',
    topic: file.table,
    key: [],
    pollIntervalMs: 0,
    options: { path: file.path, format: file.format, delimiter: file.delimiter, plain_names: true },
  }
}

/** The columns that a file's own schema declares; none where it has no schema. */
export async function declaredColumns(
  { connector }: Pick<Bench, 'connector'>,
  file: SourceFile,
): Promise<{ readonly declared?: readonly DescribedColumn[] }> {
  if (file.format !== 'parquet') return {}
  const { objects } = await connector(sourceOf(file)).discover()
  return { declared: objects[0]?.columns ?? [] }
}

/** Forms that are met often, and what makes them readable; null for any other. */
function whatElse(head: string): { readonly is: string; readonly cure: string } | null {
  if (head.includes('\u0000')) {
    return {
      is: 'it holds NUL bytes, as UTF-16 and binary files do',
      cure: 'Save it as UTF-8: `iconv -f UTF-16 -t UTF-8 FILE`.',
    }
  }
  if (/^\s*\[\s*[{\]]/.test(head)) {
    return {
      is: 'it is one JSON list, and records are JSON lines: an object a line',
      cure: "Turn it into lines: `jq -c '.[]' FILE`.",
    }
  }
  if (head.includes('\r') && !head.includes('\n')) {
    return { is: 'its lines end in a carriage return alone', cure: "Turn them into lines: `tr '\\r' '\\n' < FILE`." }
  }
  return null
}

/** Work on its rows: what cannot be read is told of the file that was named, not of a source that settings might name. */
export async function withFile<T>({ path }: Pick<SourceFile, 'path'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'SOURCE_UNREADABLE') throw error
    const { line } = error.where
    const said = error.message.replace(/^source [^:]*: /, '')
    throw new SluiceError('FILE_UNREADABLE', `${path} cannot be read: ${said}`, {
      where: { file: path, ...(line === undefined ? {} : { line }) },
      hint: said.includes('UTF-8') ? `Save it as UTF-8: \`iconv -f LATIN1 -t UTF-8 ${basename(path)}\`.` : error.hint,
      cause: error,
    })
  }
}

async function readHead(path: string, gzip: boolean): Promise<string> {
  try {
    const file = await open(path, 'r')
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(LOOKED_AT_BYTES), 0, LOOKED_AT_BYTES, 0)
      const bytes = buffer.subarray(0, bytesRead)
      const plain = gzip ? gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }) : bytes
      return plain.toString('utf8').replace(/^\uFEFF/, '')
    } finally {
      await file.close()
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new SluiceError('FILE_UNREADABLE', `${path} cannot be read: ${reason}`, {
      where: { file: path },
      cause: error,
    })
  }
}

/** The one that the header holds most of, outside quotes. */
function delimiterOf(head: string): string {
  const line = (head.split(/\r?\n/)[0] ?? '').replaceAll(/"[^"]*"/g, '')
  const counts = [',', ';', '\t', '|'].map((each) => [each, line.split(each).length - 1] as const)
  const [best] = counts.toSorted((a, b) => b[1] - a[1])
  return best === undefined || best[1] === 0 ? ',' : best[0]
}
