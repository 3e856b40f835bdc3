import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { BRING_LATE_SCHEMA, type WriterOrder, type Written } from './chaos-topic.ts'

/** The writer's process from without: what it had acknowledged is the truth of the round. It ends with this process. */
export class OrderWriter {
  readonly #child: ChildProcess
  readonly #written: Written[] = []
  readonly #done: Promise<number | null>
  #began = Promise.withResolvers<void>()

  constructor(order: WriterOrder) {
    const flags = ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning']
    const script = join(import.meta.dirname, 'write-orders.ts')
    this.#child = spawn(process.execPath, [...flags, script, JSON.stringify(order)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    createInterface(this.#child.stdout!).on('line', (line) => {
      this.#written.push(JSON.parse(line) as Written)
      this.#began.resolve()
    })
    this.#done = new Promise((done) => this.#child.on('close', done))
  }

  /** Once the first record is acknowledged. */
  async began(): Promise<void> {
    await Promise.race([this.#began.promise, this.#done])
  }

  bringLateSchema(): void {
    this.#child.stdin!.write(`${BRING_LATE_SCHEMA}\n`)
  }

  /** Every record that it sent, with its place. */
  async end(): Promise<readonly Written[]> {
    this.#child.stdin!.end()
    assert.equal(await this.#done, 0, 'the writer had all of it acknowledged')
    return this.#written
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
