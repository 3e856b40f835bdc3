import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openFileCache } from '../../src/adapters/s3/file-cache.ts'
import { openS3Store } from '../../src/adapters/s3/s3-store.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import { sparkS3Missing, startEngine, type DeltaEngine } from '../services/delta-engine.ts'
import { s3Settings, sparkOptions } from '../services/s3-settings.ts'
import { s3Missing, startS3, type S3 } from '../services/s3.ts'
import { temporaryFolder } from '../support/sluice.ts'
import { makeTypedTable } from './filters.ts'
import { assertSame, readOurStore } from './seen-rows.ts'

/** Spark reads a table of ours on S3 by S3A, as it would in production. It may not write there while we do. */

const spark = await sparkS3Missing()
const skip = spark === false ? await s3Missing('versitygw') : spark

describe('Spark on S3', { skip }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let s3: S3
  let engine: DeltaEngine
  let store: ObjectStore
  before(async () => {
    folder = await temporaryFolder('spark-s3')
    s3 = await startS3({ kind: 'versitygw' })
    const cache = openFileCache({ folder: join(folder.path, 'copies'), maxBytes: 1e9 })
    store = openS3Store({ uri: `s3://${await s3.bucket('spark')}/typed`, settings: s3Settings(s3), cache })
    await makeTypedTable(store, folder.path)
    engine = await startEngine('spark', { storage: sparkOptions(s3) })
  })
  after(async () => {
    await engine?.close()
    await s3?.close()
    await folder?.remove()
  })

  it('reads every type as we do, and conditions leave no row out', async () => {
    const uri = store.uri.replace('s3://', 's3a://')
    assertSame(await engine.read(uri), await readOurStore(store, []), uri)
    for (const { column, condition, found, held } of await engine.filters(uri)) {
      assert.equal(found, held, `${column} ${condition}`)
    }
  })
})
