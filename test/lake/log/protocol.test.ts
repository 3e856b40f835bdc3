import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SluiceError } from '../../../src/domain/errors.ts'
import type { MetadataAction, ProtocolAction } from '../../../src/lake/log/action.ts'
import { checkReadable, checkWritable } from '../../../src/lake/log/protocol.ts'
import { entryPath } from '../../../src/lake/log/log-file.ts'
import { openSnapshot } from '../../../src/lake/snapshot.ts'
import { MemoryStore } from '../../conformance/memory-store.ts'
import { commit, loggedFile, openTable } from '../table-steps.ts'

const METADATA: MetadataAction = {
  id: 'id',
  name: null,
  description: null,
  provider: 'parquet',
  schemaText: '{"type":"struct","fields":[]}',
  partitionColumns: [],
  configuration: {},
  createdTimeMs: null,
}

const protocol = (readerFeatures: readonly string[], writerFeatures: readonly string[]): ProtocolAction => ({
  minReaderVersion: readerFeatures.length === 0 ? 1 : 3,
  minWriterVersion: 7,
  readerFeatures: readerFeatures.length === 0 ? null : readerFeatures,
  writerFeatures,
})

function refusalOf(act: () => void): string | null {
  try {
    act()
    return null
  } catch (error) {
    assert.ok(error instanceof SluiceError && error.code === 'TABLE_UNSUPPORTED')
    assert.match(error.message, new RegExp(String(error.where['key'])))
    return String(error.where['key'])
  }
}

const write = (of: ProtocolAction): string | null =>
  refusalOf(() => checkWritable(of, METADATA, { uri: 't', removesRows: true }))

/** What readers must know too (PROTOCOL, "Table Features", and the RFCs beside it); true: we read such tables. */
const READER_FEATURES = {
  columnMapping: true,
  deletionVectors: true,
  timestampNtz: true,
  typeWidening: true,
  'typeWidening-preview': true,
  v2Checkpoint: true,
  vacuumProtocolCheck: true,
  catalogManaged: false,
  'catalogOwned-preview': false,
  'collations-preview': false,
  geospatial: false,
  'redirectReaderWriter-preview': false,
  variantType: false,
  'variantType-preview': false,
  variantShredding: false,
  'variantShredding-preview': false,
  'a feature of a later year': false,
}
/** What writers alone must know: we read tables that have it. */
const WRITER_FEATURES = [
  'allowColumnDefaults',
  'appendOnly',
  'changeDataFeed',
  'checkConstraints',
  'checkpointProtection',
  'clustering',
  'coordinatedCommits-preview',
  'domainMetadata',
  'generatedColumns',
  'icebergCompatV1',
  'icebergCompatV2',
  'icebergCompatV3',
  'icebergWriterCompatV1',
  'identityColumns',
  'inCommitTimestamp',
  'inCommitTimestamp-preview',
  'invariants',
  'managedCommit-preview',
  'materializePartitionColumns',
  'redirectWriterOnly-preview',
  'rowTracking',
  'a feature of a later year',
]
/** Those that a commit of ours honours. */
const WRITTEN = new Set(['appendOnly', 'invariants', 'deletionVectors'])

/** A table of ours to which another engine gave another protocol. */
async function tableWith(of: ProtocolAction): Promise<MemoryStore> {
  const store = new MemoryStore()
  await commit(store, null, { adds: [loggedFile('f')] })
  const known = Object.fromEntries(Object.entries(of).filter(([, value]) => value !== null))
  await store.put(entryPath(1), Buffer.from(JSON.stringify({ protocol: known })))
  return store
}

describe('each feature that Delta has', () => {
  for (const [feature, isRead] of Object.entries(READER_FEATURES)) {
    it(`of readers: ${feature} is ${isRead ? 'read' : 'refused by name'}`, async () => {
      const store = await tableWith(protocol([feature], [feature]))
      if (!isRead) {
        await assert.rejects(openSnapshot(store), {
          code: 'TABLE_UNSUPPORTED',
          where: { table: store.uri, key: feature },
        })
        return
      }
      assert.equal((await openTable(store)).files.size, 1)
      await commitsOnly(store, feature)
    })
  }

  for (const feature of WRITER_FEATURES) {
    it(`of writers: a table with ${feature} is read, and ${WRITTEN.has(feature) ? 'appended to' : 'no commit is made to it'}`, async () => {
      const store = await tableWith(protocol([], [feature]))
      assert.equal((await openTable(store)).files.size, 1)
      await commitsOnly(store, feature)
    })
  }

  it('that came with a version of its own is refused with that version, and so is a version that nobody knows', async () => {
    const plain = { readerFeatures: null, writerFeatures: null }
    const versions = [
      [1, 3, /writer version 3 \(checkConstraints\)/],
      [1, 4, /writer version 4 \(changeDataFeed, generatedColumns\)/],
      [2, 5, /writer version 5 \(columnMapping\)/],
      [1, 6, /writer version 6 \(identityColumns\)/],
      [1, 8, /writer version 8/],
    ] as const
    for (const [minReaderVersion, minWriterVersion, message] of versions) {
      const store = await tableWith({ ...plain, minReaderVersion, minWriterVersion })
      await assert.rejects(commit(store, await openTable(store), { adds: [loggedFile('g')] }), {
        code: 'TABLE_UNSUPPORTED',
        message,
      })
    }
    const later = await tableWith({ ...plain, minReaderVersion: 4, minWriterVersion: 8 })
    await assert.rejects(openSnapshot(later), { code: 'TABLE_UNSUPPORTED', message: /reader version 4/ })
  })

  async function commitsOnly(store: MemoryStore, feature: string): Promise<void> {
    const append = commit(store, await openTable(store), { adds: [loggedFile('g')] })
    if (WRITTEN.has(feature)) assert.equal((await append).kind, 'committed')
    else await assert.rejects(append, { code: 'TABLE_UNSUPPORTED', where: { table: store.uri, key: feature } })
    assert.equal((await openTable(store)).version, WRITTEN.has(feature) ? 2 : 1)
  }
})

describe('a table feature that we lack', () => {
  it('is refused by its name where a catalog or a coordinator hands out commits: put-if-absent decides nothing there', () => {
    for (const feature of ['catalogManaged', 'catalogOwned-preview']) {
      const of = protocol([feature], [feature, 'inCommitTimestamp'])
      assert.equal(write(of), feature)
      assert.equal(
        refusalOf(() => checkReadable(of, METADATA, 't')),
        feature,
      )
    }
    assert.equal(write(protocol([], ['coordinatedCommits-preview', 'inCommitTimestamp'])), 'coordinatedCommits-preview')
  })

  it('is refused by its name for writing, whatever it is', () => {
    const features =
      'inCommitTimestamp rowTracking domainMetadata clustering identityColumns allowColumnDefaults icebergCompatV1'
    for (const feature of features.split(' ')) assert.equal(write(protocol([], ['appendOnly', feature])), feature)
  })

  it('is none where all are known', () => {
    assert.equal(write(protocol([], ['appendOnly', 'invariants'])), null)
  })
})
