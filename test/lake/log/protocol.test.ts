import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SluiceError } from '../../../src/domain/errors.ts'
import type { MetadataAction, ProtocolAction } from '../../../src/lake/log/action.ts'
import { checkReadable, checkWritable } from '../../../src/lake/log/protocol.ts'

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
