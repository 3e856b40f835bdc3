import { SluiceError } from '../../src/domain/errors.ts'
import { noRange } from '../../src/domain/watermark.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import type { SourceSettings } from '../../src/domain/settings.ts'
import type {
  DescribedObject,
  SourceBatch,
  SourceConnector,
  SourceDescription,
} from '../../src/ports/source-connector.ts'
import {
  formatProgress,
  hintsOf,
  progressKey,
  readProgress,
  seenUnchanged,
  type FileProgress,
} from './file-progress.ts'
import { formatOf, readFilesOptions, type FilesOptions } from './files-options.ts'
import { readParquetFile } from './formats/parquet-file.ts'
import type { FilePlace, FoundFile } from './places/file-place.ts'
import { openFolderPlace } from './places/folder-place.ts'
import { openStorePlace } from './places/store-place.ts'
import { fingerprint, type StoredDigest } from './read-bytes.ts'
import { readFile } from './read-file.ts'
import { describeFile } from './describe-file.ts'

export interface FilesConnectorSettings {
  readonly name: string
  readonly options: SourceSettings['options']
  /** Opens `s3://bucket/prefix`; without it a source has folders alone. */
  readonly storeAt?: (uri: string) => ObjectStore
}

/**
 * Files of a folder, or of a prefix of a bucket, as a source; README.md says what it promises. Nothing is opened before `read` or `discover`, and
 * `close` has nothing to give back: a reader that stops early closes its file.
 */
export function createFilesConnector({ name, options, storeAt }: FilesConnectorSettings): SourceConnector {
  const checked = readFilesOptions(name, options)
  const place = (): FilePlace => openPlace({ name, options: checked, storeAt })
  return {
    discover: () => discover(name, checked, place()),
    read: (from, bounds = {}) => {
      if (bounds.to !== undefined) throw noRange(name)
      return readAll({ source: name, options: checked, place: place(), from, signal: bounds.signal ?? null })
    },
    close: () => Promise.resolve(),
  }
}

interface PlaceRequest {
  readonly name: string
  readonly options: FilesOptions
  readonly storeAt: FilesConnectorSettings['storeAt']
}

function openPlace({ name, options, storeAt }: PlaceRequest): FilePlace {
  if (!/^s3a?:\/\//.test(options.path)) return openFolderPlace(name, options)
  if (storeAt !== undefined) return openStorePlace({ source: name, options, storeAt })
  const key = `sources.${name}.path`
  throw new SluiceError('SETTINGS_INVALID', `${key} is no folder, and nothing here opens buckets`, { where: { key } })
}

async function discover(source: string, options: FilesOptions, place: FilePlace): Promise<SourceDescription> {
  const objects: DescribedObject[] = []
  for (const file of await place.list()) objects.push(await describeFile({ source, place, file }, options))
  return { objects }
}

interface ReadRequest {
  readonly source: string
  readonly options: FilesOptions
  readonly place: FilePlace
  readonly from: ReadonlyMap<string, string>
  readonly signal: AbortSignal | null
}

async function* readAll({ source, options, place, from, signal }: ReadRequest): AsyncGenerator<SourceBatch> {
  const known = readProgress(source, from)
  const files = await place.list()
  const stop = signal ?? undefined
  // Before the first row: a file that changed stops the source whatever its name.
  for (const file of files) {
    const before = known.get(file.object)
    if (before === undefined || (before.done && seenUnchanged(before, file))) continue
    const digest =
      before.bytes === file.bytes ? await fingerprint({ source, place, file }, stop) : { bytes: file.bytes, sha256: '' }
    if (digest === null) return
    if (!sameContent(before, digest)) throw changed(source, file)
    // Only its times changed: remembered, so that the next run need not hash it again.
    if (before.done) yield stateOnly(file, { ...before, ...hintsOf(file) })
  }
  for (const listed of files) {
    const before = known.get(listed.object)
    if (before?.done === true) continue
    requireFormat(source, listed, options)
    const file = await place.again(listed)
    const digest = await fingerprint({ source, place, file }, stop)
    if (digest === null) return
    if (before !== undefined && !sameContent(before, digest)) throw changed(source, file)
    const start: FileProgress = {
      ...digest,
      ...hintsOf(file),
      lines: before?.lines ?? 0,
      done: false,
    }
    const read = formatOf(file.object, options.format) === 'parquet' ? readParquetFile : readFile
    yield* read({ source, options, place, file, start, signal })
    if (signal?.aborted === true) return
  }
}

function sameContent(before: FileProgress, now: StoredDigest): boolean {
  return before.bytes === now.bytes && before.sha256 === now.sha256
}

function stateOnly(file: FoundFile, progress: FileProgress): SourceBatch {
  return {
    object: file.object,
    columns: [],
    textual: true,
    rows: [],
    refused: [],
    progress: new Map([[progressKey(file.object), formatProgress(progress)]]),
  }
}

function requireFormat(source: string, file: FoundFile, options: FilesOptions): void {
  if (formatOf(file.object, options.format) !== null) return
  throw new SluiceError(
    'SOURCE_UNREADABLE',
    `source ${source}: the ending of ${file.object} does not tell how it is written`,
    {
      where: { source, file: file.object },
      hint: `Set sources.${source}.format, or a pattern that leaves the file out.`,
    },
  )
}

export function changed(source: string, file: FoundFile): SluiceError {
  return new SluiceError(
    'SOURCE_FILE_CHANGED',
    `source ${source}: ${file.object} was read before and has other content now`,
    { where: { source, file: file.object } },
  )
}
