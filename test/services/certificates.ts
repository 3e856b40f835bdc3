import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Missing } from './cache.ts'

/** An authority of its own and a certificate of it for this machine's loopback names, made by openssl. PEM files. */
export interface Certificates {
  readonly ca: string
  readonly key: string
  readonly certificate: string
  /** Key and certificate in one file, as Java's PEM key stores are. */
  readonly keyStore: string
  /** Of a client, CN `sluice-client`, by the same authority. */
  readonly clientKey: string
  readonly clientCertificate: string
}

const run = promisify(execFile)

export async function makeCertificates(folder: string): Promise<Certificates> {
  const path = (name: string): string => join(folder, name)
  await writeFile(path('names.cnf'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n')
  const key = ['-newkey', 'rsa:2048', '-nodes']
  await openssl(
    `req -x509 ${key.join(' ')} -keyout ca.key -out ca.pem -days 30 -subj /CN=sluice-test-authority`,
    folder,
  )
  await openssl(`req ${key.join(' ')} -keyout server.key -out server.csr -subj /CN=localhost`, folder)
  await openssl(
    'x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names.cnf -out server.pem',
    folder,
  )
  await openssl(`req ${key.join(' ')} -keyout client.key -out client.csr -subj /CN=sluice-client`, folder)
  await openssl('x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out client.pem', folder)
  await run('sh', ['-c', 'cat server.key server.pem > keystore.pem'], { cwd: folder })
  return {
    ca: path('ca.pem'),
    key: path('server.key'),
    certificate: path('server.pem'),
    keyStore: path('keystore.pem'),
    clientKey: path('client.key'),
    clientCertificate: path('client.pem'),
  }
}

async function openssl(command: string, cwd: string): Promise<void> {
  try {
    await run('openssl', command.split(' '), { cwd })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Missing('needs openssl, which is not there', { cause: error })
    }
    throw error
  }
}
