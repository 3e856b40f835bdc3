import { retryDelayMs } from '../../domain/backoff.ts'
import { classifyError, type SluiceError } from '../../domain/errors.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import { LaneFollower, type LaneListener } from '../../ingest/follow/follow-lane.ts'
import type { HeldBytes } from '../../ingest/follow/held-bytes.ts'
import { mendStops, type Stop } from '../../operate/status/stop-note.ts'
import type { World } from '../../ports/world.ts'
import { nap } from './nap.ts'
import type { ControlledPart } from './part-controls.ts'

export interface IngestLoop {
  readonly world: World
  readonly table: BronzeTableSettings
  readonly control: ControlledPart
  readonly heldBytes: HeldBytes
  readonly turned: () => void
}

/**
 * Follows one lane for as long as the process lives. What keeps the whole lane from its work is tried again, ever less
 * often, or at once when an operator takes its note away; partitions that stop are the follower's own matter. Never
 * throws.
 */
export async function ingestLane(loop: IngestLoop): Promise<void> {
  const { world, table, control, heldBytes } = loop
  const { clock, signal } = world
  const notes = new LaneNotes(loop)
  const follower = new LaneFollower({ world, table, heldBytes, listener: notes })
  let attempt = 0
  while (!signal.aborted) {
    loop.turned()
    if (control.paused()) {
      await nap(world, Infinity)
      continue
    }
    notes.onNudge = () => follower.retryNow()
    const working = control.signal()
    const turns = notes.turns
    try {
      await follower.follow(working)
    } catch (thrown) {
      if (working.aborted && isAbort(thrown)) continue
      const error = classifyError(thrown)
      if (notes.turns > turns) attempt = 0
      notes.failed(error)
      const dueMs = clock.nowMs() + retryDelayMs(error.row.retry, attempt, clock.random())
      attempt += 1
      while (!signal.aborted && !control.paused() && clock.nowMs() < dueMs && !control.takeNudge())
        await nap(world, dueMs - clock.nowMs())
    }
  }
  await notes.settled()
}

/** Keeps the notes of a lane's stops in step with what its follower tells, in order and off the flow's path. */
class LaneNotes implements LaneListener {
  turns = 0
  onNudge: () => void = () => undefined
  readonly #loop: IngestLoop
  /** By partition; null is the lane as a whole. */
  readonly #standing = new Map<number | null, SluiceError>()
  readonly #went = new Set<number>()
  #writing: Promise<unknown> = Promise.resolve()

  constructor(loop: IngestLoop) {
    this.#loop = loop
  }

  alive(): void {
    this.#loop.turned()
    if (this.#standing.size > 0 && this.#loop.control.takeNudge()) this.onNudge()
  }

  turned(): void {
    this.turns += 1
    this.alive()
    if (this.#standing.delete(null)) this.#mend([], (stop) => stop.where.partition === undefined)
  }

  stopped(partition: number, error: SluiceError): void {
    this.#went.delete(partition)
    this.#standing.set(partition, error)
    this.#mend([error], () => false)
  }

  /** The first time also what an earlier process noted is over. */
  went(partition: number): void {
    if (this.#went.has(partition)) return
    this.#went.add(partition)
    this.#standing.delete(partition)
    this.#mend([], ({ where }) => where.partition === partition || where.partition === undefined)
  }

  /** The whole lane. Told once for each cause, so that a log tells it once. */
  failed(error: SluiceError): void {
    const { world, table } = this.#loop
    const known = this.#standing.get(null)
    this.#standing.set(null, error)
    this.#mend([error], (stop) => stop.where.partition === undefined)
    if (known?.code === error.code) return
    const { code, message, where } = error
    const lane = `${table.topic} → bronze.${table.table}`
    const context = { runId: world.runId, traceId: world.traceId, jobName: `ingest:${table.table}` }
    world.events.emit({ ...context, type: 'lane.stopped', lane, code, message, where })
  }

  async settled(): Promise<void> {
    await this.#writing
  }

  #mend(errors: readonly SluiceError[], over: (stop: Stop) => boolean): void {
    const { world, table, control } = this.#loop
    const change = { kind: 'lane', name: `bronze.${table.table}`, errors, over } as const
    this.#writing = this.#writing.then(async () => {
      const noted = await mendStops(world, change)
      control.expectNote(noted && this.#standing.size > 0)
    })
  }
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown.name === 'AbortError' || thrown.name === 'Interruption')
}
