import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFileTransport } from '../../../src/adapters/lineage/file-transport.ts'
import { openHttpTransport } from '../../../src/adapters/lineage/http-transport.ts'
import { temporaryFolder } from '../../support/sluice.ts'

const { signal } = new AbortController()

test('file: one event a line, added to what is there, folders made', async (t) => {
  const folder = await temporaryFolder('lineage')
  t.after(() => folder.remove())
  const path = join(folder.path, 'a/b/events.jsonl')
  await openFileTransport(path).send(['{"n":1}', '{"n":2}'], signal)
  await openFileTransport(path).send(['{"n":3}'], signal)
  assert.equal(await readFile(path, 'utf8'), '{"n":1}\n{"n":2}\n{"n":3}\n')
})

test('http: one POST an event, in order, with the key; a refusal, a redirect and silence are failures', async (t) => {
  const seen: string[] = []
  let status = 201
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => (body += part.toString()))
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`)
      if (status !== 0) response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/lineage`
  const transport = openHttpTransport({ url, apiKey: 'k' })
  await transport.send(['1', '2'], signal)
  assert.deepEqual(seen, ['POST /api/v1/lineage Bearer k 1', 'POST /api/v1/lineage Bearer k 2'])
  status = 500
  await assert.rejects(transport.send(['3', '4'], signal), /answered 500/)
  assert.equal(seen.length, 3)
  status = 302
  await assert.rejects(transport.send(['5'], signal))
  status = 0
  await assert.rejects(transport.send(['6'], AbortSignal.timeout(50)))
  await assert.rejects(openHttpTransport({ url: 'http://127.0.0.1:1/', apiKey: null }).send(['7'], signal))
})
