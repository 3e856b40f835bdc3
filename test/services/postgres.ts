import { execFile } from 'node:child_process'
import { chmod, chown, copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

import { Missing, reasonToSkip, type Skip } from './cache.ts'
import { onFreePorts, startGuarded, type GuardedProcess } from './guarded-process.ts'

/** A PostgreSQL of Debian on a loopback port, empty at first. It stands in for Redshift, whose wire protocol it speaks. */
export interface Postgres {
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** Options of a source that reads it. */
  readonly options: Readonly<Record<string, string | number>>
  /** A session of its own; the caller ends it. */
  connect(): Promise<pg.Client>
  /** One after another, in one session. */
  run(...statements: readonly string[]): Promise<pg.QueryResult[]>
  stop(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

const execute = promisify(execFile)
const [USER, PASSWORD, DATABASE] = ['shop', 'shop-password', 'postgres']
const ROOTS = '/usr/lib/postgresql'

/** For `test`'s `skip`: why there can be no such server here, or false. */
export function postgresMissing(): Promise<Skip> {
  return reasonToSkip(programs)
}

/** `tls`: files of a certificate and its key, in PEM. */
export async function startPostgres(tls?: { readonly certificate: string; readonly key: string }): Promise<Postgres> {
  const bin = await programs()
  const owner = await unprivileged()
  const folder = await mkdtemp(join(tmpdir(), 'sluice-postgres-'))
  try {
    const data = join(folder, 'data')
    const secret = join(folder, 'secret')
    await writeFile(secret, PASSWORD)
    if (tls !== undefined) {
      await copyFile(tls.certificate, join(folder, 'server.crt'))
      await copyFile(tls.key, join(folder, 'server.key'))
      await chmod(join(folder, 'server.key'), 0o600)
    }
    for (const file of ['', ...(await readdir(folder))]) await chown(join(folder, file), owner.uid, owner.gid)
    const init = [
      '-D',
      data,
      '-U',
      USER,
      '-A',
      'scram-sha-256',
      '--pwfile',
      secret,
      '--no-sync',
      '-E',
      'UTF8',
      '--locale',
      'C.UTF-8',
    ]
    const [command, ...args] = owner.as(join(bin, 'initdb'), init)
    await execute(command!, args, { cwd: folder })
    return await onFreePorts(1, async ([port = 0]) => {
      const server = new Server({
        folder,
        data,
        port,
        tls: tls !== undefined,
        as: (given) => owner.as(join(bin, 'postgres'), given),
      })
      await server.start()
      return server
    })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

interface ServerParts {
  readonly folder: string
  readonly data: string
  readonly port: number
  readonly tls: boolean
  readonly as: (args: readonly string[]) => string[]
}

class Server implements Postgres {
  readonly user = USER
  readonly password = PASSWORD
  readonly database = DATABASE
  readonly port: number
  readonly #parts: ServerParts
  #process: GuardedProcess | null = null

  constructor(parts: ServerParts) {
    this.#parts = parts
    this.port = parts.port
  }

  get options(): Postgres['options'] {
    const { user, password, database, port } = this
    return { host: '127.0.0.1', port, database, user, password, tls: this.#parts.tls ? 'verify' : 'off' }
  }

  async connect(): Promise<pg.Client> {
    const { user, password, database, port } = this
    const ssl = this.#parts.tls ? { rejectUnauthorized: false } : false
    const client = new pg.Client({ host: '127.0.0.1', port, user, password, database, ssl })
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  async run(...statements: readonly string[]): Promise<pg.QueryResult[]> {
    const client = await this.connect()
    try {
      const results: pg.QueryResult[] = []
      for (const statement of statements) results.push(await client.query(statement))
      return results
    } finally {
      await client.end()
    }
  }

  async start(): Promise<void> {
    const { folder, data, port, tls, as } = this.#parts
    // Durability of the stand-in is not what is tested.
    const settings = [
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'fsync=off',
      ...(tls ? ['ssl=on', `ssl_cert_file=${folder}/server.crt`, `ssl_key_file=${folder}/server.key`] : []),
    ]
    const [command, ...args] = as(['-D', data, '-p', String(port), ...settings.flatMap((each) => ['-c', each])])
    this.#process = await startGuarded({
      command: command!,
      args,
      cwd: folder,
      log: join(tmpdir(), `sluice-postgres-${port}.log`),
      sweep: folder,
      ready: async () => {
        const client = await this.connect()
        await client.end()
        return true
      },
    })
  }

  async stop(): Promise<void> {
    // The fast way down: sessions are cut, the state is written.
    this.#process?.signal('SIGINT')
    await this.#process?.stop()
  }

  async close(): Promise<void> {
    await this.stop()
    await rm(this.#parts.folder, { recursive: true, force: true })
    await rm(join(tmpdir(), `sluice-postgres-${this.port}.log`), { force: true })
  }
}

/** The folder of the newest version's programs. */
async function programs(): Promise<string> {
  const versions = await readdir(ROOTS).catch(() => [])
  const newest = versions.toSorted((a, b) => Number(b) - Number(a))[0]
  if (newest === undefined)
    throw new Missing(`PostgreSQL is missing (Debian: apt-get install postgresql; looked in ${ROOTS})`)
  await unprivileged()
  return join(ROOTS, newest, 'bin')
}

interface Owner {
  readonly uid: number
  readonly gid: number
  /** The command line that runs it as that user, in the process that is started. */
  readonly as: (program: string, args: readonly string[]) => string[]
}

/** PostgreSQL refuses to run as root: then it runs as the user that Debian made for it. */
async function unprivileged(): Promise<Owner> {
  const [uid, gid] = [process.getuid?.() ?? -1, process.getgid?.() ?? -1]
  if (uid !== 0) return { uid, gid, as: (program, args) => [program, ...args] }
  try {
    const ids = await Promise.all(['-u', '-g'].map((flag) => execute('id', [flag, 'postgres'])))
    const [user, group] = ids.map(({ stdout }) => Number(stdout))
    const change = ['setpriv', `--reuid=${user}`, `--regid=${group}`, '--clear-groups']
    return { uid: user!, gid: group!, as: (program, args) => [...change, program, ...args] }
  } catch (error) {
    throw new Missing('PostgreSQL does not run as root, and there is no user postgres', { cause: error })
  }
}
