import { SluiceError } from '../../domain/errors.ts'
import { schemaFeatures } from '../delta-schema.ts'
import type { MetadataAction, ProtocolAction } from './action.ts'

/** What we read right, what we write right, and the refusal by name of the rest (PROTOCOL, "Table Features"). */

/** The tables that we make. */
export const OUR_PROTOCOL: ProtocolAction = {
  minReaderVersion: 1,
  minWriterVersion: 2,
  readerFeatures: null,
  writerFeatures: null,
}

/** typeWidening: files hold a column as it was, and views have it as it is. */
const READABLE = new Set([
  'columnMapping',
  'deletionVectors',
  'timestampNtz',
  'typeWidening',
  'typeWidening-preview',
  'v2Checkpoint',
  'vacuumProtocolCheck',
])
/**
 * deletionVectors: a writer need not make any. What we add is whole files, and a removed file is named with its vector.
 */
const WRITABLE = new Set(['appendOnly', 'invariants', 'deletionVectors'])
/** What each writer version between 3 and 6 brought. */
const LEGACY_WRITER: Readonly<Record<number, string>> = {
  3: 'checkConstraints',
  4: 'changeDataFeed, generatedColumns',
  5: 'columnMapping',
  6: 'identityColumns',
}

export function checkReadable(protocol: ProtocolAction, metadata: MetadataAction, uri: string): void {
  const { minReaderVersion } = protocol
  if (minReaderVersion > 3) throw unsupported(uri, `reader version ${minReaderVersion}`)
  if (minReaderVersion === 3) {
    for (const feature of protocol.readerFeatures ?? []) {
      if (!READABLE.has(feature)) throw unsupported(uri, feature)
    }
  }
  if (metadata.provider !== 'parquet') throw unsupported(uri, `files of format ${metadata.provider}`)
}

/** `removesRows`: the commit removes files, and their rows do not stay in others. */
export function checkWritable(
  protocol: ProtocolAction,
  metadata: MetadataAction,
  { uri, removesRows }: { readonly uri: string; readonly removesRows: boolean },
): void {
  const { minReaderVersion, minWriterVersion } = protocol
  if (minWriterVersion > 7) throw unwritable(uri, `writer version ${minWriterVersion}`)
  if (minWriterVersion > 2 && minWriterVersion < 7) {
    throw unwritable(uri, `writer version ${minWriterVersion} (${LEGACY_WRITER[minWriterVersion]})`)
  }
  if (minReaderVersion === 2) throw unwritable(uri, 'columnMapping')
  const features = [...(protocol.readerFeatures ?? []), ...(protocol.writerFeatures ?? [])]
  const missing = features.find((feature) => !WRITABLE.has(feature))
  if (missing !== undefined) throw unwritable(uri, missing)
  const rules = schemaFeatures(metadata.schemaText)
  if (rules.length > 0) throw unwritable(uri, rules.join(', '))
  if (removesRows && metadata.configuration['delta.appendOnly'] === 'true') {
    throw unwritable(uri, 'appendOnly, which forbids removing rows')
  }
}

function unsupported(uri: string, feature: string): SluiceError {
  return new SluiceError('TABLE_UNSUPPORTED', `reading ${uri} needs the Delta feature ${feature}`, {
    where: { table: uri, key: feature },
  })
}

function unwritable(uri: string, feature: string): SluiceError {
  return new SluiceError('TABLE_UNSUPPORTED', `writing to ${uri} needs the Delta feature ${feature}`, {
    where: { table: uri, key: feature },
    hint: 'Write to it with an engine that has the named feature.',
  })
}
