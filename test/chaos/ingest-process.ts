import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { isStopped } from '../support/is-stopped.ts'
import { REPOSITORY, sluice, type Ended } from '../support/sluice.ts'

const [DIE_WITH_PARENT, KILL_AT] = ['die-with-parent.ts', 'kill-at.ts'].map((name) =>
  join(REPOSITORY, 'test/support', name),
) as [string, string]

/** Longer than any pause of a round. */
const WOKEN_AFTER_SECONDS = 20

/**
 * One place for an `up --only ingest` process, as a supervisor holds it: what is killed is started again when its
 * time has come, what dies at a named step at once. Any other end is a fault of the program.
 */
export class IngestProcess {
  readonly #args: readonly string[]
  readonly #env: Readonly<Record<string, string>>
  #child: ChildProcess | null = null
  /** Of the life that goes on, as is `#ended`. */
  #begun: Promise<unknown> = Promise.resolve()
  #ended: Promise<unknown> = Promise.resolve()
  #expected: 'life' | 'death' | 'leave' = 'life'
  #died = 0
  #log = ''
  /** Ends that nobody asked for. */
  readonly faults: string[] = []

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#args = args
    this.#env = env
  }

  /** How often it died at its step. */
  get died(): number {
    return this.#died
  }

  /** Its log so far, of all its lives. */
  get log(): string {
    return this.#log
  }

  /** Resolves once it says that it has begun, or has ended. */
  async start(diesAt: string | null = null): Promise<void> {
    this.#expected = 'life'
    const begun = Promise.withResolvers<void>()
    const life = sluice(['up', '--only', 'ingest', ...this.#args], {
      env: diesAt === null ? this.#env : { ...this.#env, SLUICE_KILL: diesAt },
      preload: diesAt === null ? [DIE_WITH_PARENT] : [DIE_WITH_PARENT, KILL_AT],
      started: (child) => {
        this.#child = child
        child.stderr!.on('data', (text: string) => {
          this.#log += text
          if (text.includes('"up.started"')) begun.resolve()
        })
      },
    })
    this.#ended = life.then((end) => this.#judge(end, diesAt))
    this.#begun = Promise.race([begun.promise, this.#ended])
    await this.#begun
  }

  async kill(): Promise<void> {
    if (this.#expected === 'life') this.#expected = 'death'
    this.#child?.kill('SIGCONT')
    this.#child?.kill('SIGKILL')
    await this.#ended
  }

  /** Where this process is killed meanwhile, it is woken to find that out. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
    const waker = ['-c', `sleep ${WOKEN_AFTER_SECONDS}; kill -CONT ${this.#child?.pid}`]
    spawn('/bin/sh', waker, { stdio: 'ignore', detached: true }).unref()
  }

  async isStopped(): Promise<boolean> {
    return this.#child !== null && isStopped(this.#child)
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  /** It drains, commits and gives its share back. One that has just come begins first: before, it hears no SIGTERM. */
  async leave(): Promise<void> {
    let begun: Promise<unknown>
    do {
      begun = this.#begun
      await begun
    } while (begun !== this.#begun)
    this.#expected = 'leave'
    this.#child?.kill('SIGTERM')
    await this.#ended
  }

  #judge(end: Ended, diesAt: string | null): void {
    const asked = this.#expected
    if (asked === 'life' && diesAt !== null && end.signal === 'SIGKILL') {
      this.#died += 1
      void this.start()
    } else if (asked === 'death' && end.signal === 'SIGKILL') return
    else if (asked === 'leave' && (end.code === 0 || (diesAt !== null && end.signal === 'SIGKILL'))) return
    else
      this.faults.push(`ended with ${end.signal ?? end.code}, not asked for (${asked}): ${end.stdout}\n${end.stderr}`)
  }
}
