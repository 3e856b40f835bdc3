import { mkdtemp, rm } from 'node:fs/promises'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reasonToSkip, type Skip } from './cache.ts'
import { onFreePorts, startGuarded, type GuardedProcess } from './guarded-process.ts'
import { mavenArchive } from './maven.ts'

/** Apicurio on a loopback port, its schemas in memory: a registry with Confluent's API. */
export interface Registry {
  /** Root of Confluent's API. */
  readonly url: string
  /** SIGKILL: what it held is gone. */
  stop(): Promise<void>
  start(): Promise<void>
  /** SIGSTOP: it takes connections and answers nothing. */
  pause(): void
  resume(): void
  close(): Promise<void>
}

const ARTIFACT = 'io.apicurio:apicurio-registry-app:2.6.13.Final:tar.gz:all'
const JAVA_FLAGS = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

export function registryMissing(): Promise<Skip> {
  return reasonToSkip(() => mavenArchive('apicurio', ARTIFACT))
}

export async function startRegistry(): Promise<Registry> {
  const home = await mavenArchive('apicurio', ARTIFACT)
  const jar = readdirSync(home, { recursive: true }).find((name) => String(name).endsWith('-runner.jar'))
  if (jar === undefined) throw new Error(`${home} holds no runner`)
  const folder = await mkdtemp(join(tmpdir(), 'sluice-registry-'))
  try {
    return await onFreePorts(1, async ([port = 0]) => {
      const server = new Server(folder, port, join(home, String(jar)))
      await server.start()
      return server
    })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

class Server implements Registry {
  readonly url: string
  readonly #folder: string
  readonly #port: number
  readonly #jar: string
  #process: GuardedProcess | null = null

  constructor(folder: string, port: number, jar: string) {
    this.url = `http://127.0.0.1:${port}/apis/ccompat/v7`
    this.#folder = folder
    this.#port = port
    this.#jar = jar
  }

  async start(): Promise<void> {
    this.#process ??= await startGuarded({
      command: 'java',
      args: [
        ...JAVA_FLAGS,
        '-Dquarkus.http.host=127.0.0.1',
        `-Dquarkus.http.port=${this.#port}`,
        // Versions of one subject that are equal are one, as in Confluent's own registry.
        '-Dregistry.ccompat.use-canonical-hash=true',
        '-jar',
        this.#jar,
      ],
      cwd: this.#folder,
      log: join(this.#folder, 'server.log'),
      sweep: this.#folder,
      ready: async () => (await fetch(`${this.url}/subjects`, { signal: AbortSignal.timeout(2_000) })).ok,
    })
  }

  async stop(): Promise<void> {
    await this.#process?.kill()
    this.#process = null
  }

  pause(): void {
    this.#process?.signal('SIGSTOP')
  }

  resume(): void {
    this.#process?.signal('SIGCONT')
  }

  async close(): Promise<void> {
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
