import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { keptFolder, Missing, reasonToSkip, type Skip } from './cache.ts'
import { onFreePorts, startGuarded, type GuardedProcess } from './guarded-process.ts'
import { readyEnvironment } from './python.ts'

/** An S3 server on a loopback port, empty at first: versitygw keeps objects as files, moto in memory. */
export interface S3 {
  readonly endpoint: string
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
  /** For child processes and engines: the variables that the AWS SDKs read. */
  readonly env: Readonly<Record<string, string>>
  /** Makes the bucket and gives its name back. */
  bucket(name: string): Promise<string>
  /** Where versitygw keeps a bucket's objects, each as a file under its key; null with moto. */
  folderOf(bucket: string): string | null
  stop(): Promise<void>
  /** On the same port; versitygw with what it held, moto empty. */
  start(): Promise<void>
  close(): Promise<void>
}

export type S3Kind = 'versitygw' | 'moto'

const VERSITYGW = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0'
const MOTO = ['moto[server]==5.2.5']
const REGION = 'eu-central-1'
const [ACCESS_KEY, SECRET_KEY] = ['sluice-test-key', 'sluice-test-secret']

const run = promisify(execFile)

/** For `test`'s `skip`: why there can be no such server here, or false. */
export function s3Missing(kind: S3Kind): Promise<Skip> {
  return reasonToSkip(kind === 'versitygw' ? buildVersitygw : () => readyEnvironment(MOTO))
}

export async function startS3({ kind }: { readonly kind: S3Kind }): Promise<S3> {
  const folder = await mkdtemp(join(tmpdir(), `sluice-${kind}-`))
  try {
    await mkdir(join(folder, 'buckets'))
    const program = kind === 'versitygw' ? await versitygwProgram(folder) : await motoProgram()
    return await onFreePorts(1, async ([port = 0]) => {
      const server = new Server(folder, port, program)
      await server.start()
      return server
    })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

interface Program {
  readonly command: string
  readonly keepsFiles: boolean
  readonly args: (port: number) => readonly string[]
}

class Server implements S3 {
  readonly endpoint: string
  readonly region = REGION
  readonly accessKey = ACCESS_KEY
  readonly secretKey = SECRET_KEY
  readonly env: Readonly<Record<string, string>>
  readonly #folder: string
  readonly #port: number
  readonly #program: Program
  #process: GuardedProcess | null = null

  constructor(folder: string, port: number, program: Program) {
    this.endpoint = `http://127.0.0.1:${port}`
    this.env = {
      AWS_ENDPOINT_URL_S3: this.endpoint,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    }
    this.#folder = folder
    this.#port = port
    this.#program = program
  }

  async start(): Promise<void> {
    this.#process ??= await startGuarded({
      command: this.#program.command,
      args: this.#program.args(this.#port),
      cwd: this.#folder,
      env: { ROOT_ACCESS_KEY_ID: ACCESS_KEY, ROOT_SECRET_ACCESS_KEY: SECRET_KEY },
      log: join(this.#folder, 'server.log'),
      sweep: this.#folder,
      ready: () => accepts(this.#port),
    })
  }

  async stop(): Promise<void> {
    await this.#process?.kill()
    this.#process = null
  }

  async bucket(name: string): Promise<string> {
    const client = new S3Client({
      endpoint: this.endpoint,
      region: REGION,
      forcePathStyle: true,
      credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
    })
    await client.send(
      new CreateBucketCommand({ Bucket: name, CreateBucketConfiguration: { LocationConstraint: REGION } }),
    )
    client.destroy()
    return name
  }

  folderOf(bucket: string): string | null {
    return this.#program.keepsFiles ? join(this.#folder, 'buckets', bucket) : null
  }

  async close(): Promise<void> {
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

async function versitygwProgram(folder: string): Promise<Program> {
  const command = await buildVersitygw()
  const flags = ['--quiet', '--keep-alive', '--region', REGION]
  return {
    command,
    keepsFiles: true,
    args: (port) => ['--port', `127.0.0.1:${port}`, ...flags, 'posix', join(folder, 'buckets')],
  }
}

async function motoProgram(): Promise<Program> {
  const command = await readyEnvironment(MOTO)
  return { command, keepsFiles: false, args: (port) => ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)] }
}

/** The binary, built once from Go's module proxy. Throws `Missing`. */
async function buildVersitygw(): Promise<string> {
  const { stdout: version } = await run('go', ['env', 'GOVERSION']).catch((error: unknown) => {
    throw new Missing('needs Go to build versitygw: go is not there', { cause: error })
  })
  const folder = await keptFolder('versitygw', [VERSITYGW], async (fresh) => {
    // Modules and build cache are half a gigabyte that nothing needs afterwards.
    const scratch = await mkdtemp(join(tmpdir(), 'sluice-go-'))
    const env = {
      ...process.env,
      GOPATH: scratch,
      GOCACHE: join(scratch, 'cache'),
      GOBIN: fresh,
      GOFLAGS: '-modcacherw',
    }
    try {
      await run('go', ['install', '-ldflags=-s -w', VERSITYGW], { env, maxBuffer: 16 << 20 })
    } catch (error) {
      const stderr = (error as { readonly stderr?: string }).stderr?.trim().split('\n').at(-1) ?? String(error)
      throw new Missing(`needs versitygw, which ${version.trim()} could not build: ${stderr}`, { cause: error })
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  })
  return join(folder, 'versitygw')
}

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1')
    const end = (answer: boolean): void => {
      socket.destroy()
      done(answer)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
}
