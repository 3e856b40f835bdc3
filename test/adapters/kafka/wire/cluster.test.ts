import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLog } from '../open-log.ts'

test('a file of TLS that is not there is named with its setting at once, and is no broker that is away', async () => {
  for (const name of ['ca', 'cert', 'key'] as const) {
    const log = openLog('127.0.0.1:1', { tls: { ca: null, cert: null, key: null, [name]: '/no/such.pem' } })
    try {
      await assert.rejects(log.topics(), {
        code: 'FILE_UNREADABLE',
        where: { file: '/no/such.pem', key: `broker.tls.${name}` },
      })
    } finally {
      await log.close()
    }
  }
})
