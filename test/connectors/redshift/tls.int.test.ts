import assert from 'node:assert/strict'
import { test } from 'node:test'

import { openRedshiftTable } from '../../../connectors/redshift/redshift-table.ts'
import type { SluiceError } from '../../../src/domain/errors.ts'
import type { SourceSettings } from '../../../src/domain/settings.ts'
import { makeCertificates } from '../../services/certificates.ts'
import { postgresMissing, startPostgres } from '../../services/postgres.ts'
import { temporaryFolder } from '../../support/sluice.ts'

const skip = await postgresMissing()

test(
  'TLS: a certificate is trusted by its authority alone, and where none is checked the way is encrypted all the same',
  { skip },
  async () => {
    const folder = await temporaryFolder('redshift-tls')
    const certificates = await makeCertificates(folder.path)
    const server = await startPostgres(certificates)
    const columns = async (options: SourceSettings['options']): Promise<number> => {
      const table = openRedshiftTable({
        settings: {
          name: 'shop',
          options: { ...server.options, table: 'plain', primary_key: ['id'], watermark_column: 'id', ...options },
        },
        newId: () => '',
        storeAt: undefined,
      })
      try {
        return (await table.describe()).columns.length
      } finally {
        await table.close()
      }
    }
    try {
      await server.run('create table plain (id int primary key)')
      assert.equal(await columns({ tls: 'verify', tls_ca: certificates.ca }), 1)
      assert.equal(await columns({ tls: 'require' }), 1)
      await assert.rejects(columns({ tls: 'verify' }), (error: SluiceError) => {
        assert.equal(error.code, 'SOURCE_REFUSED')
        assert.match(error.message, /no trusted connection to 127\.0\.0\.1/)
        assert.equal(error.where.key, 'sources.shop.tls')
        return true
      })
      await assert.rejects(columns({ tls: 'verify', tls_ca: `${folder.path}/nothing.pem` }), (error: SluiceError) => {
        assert.equal(error.code, 'SETTINGS_INVALID')
        assert.equal(error.where.key, 'sources.shop.tls_ca')
        return true
      })
    } finally {
      await server.close()
      await folder.remove()
    }
  },
)
