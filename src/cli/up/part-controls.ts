import { classifyError } from '../../domain/errors.ts'
import type { Happening } from '../../domain/events.ts'
import { pauseKey, readPauseNotes, type PausablePart, type PauseNote } from '../../operate/status/pause-note.ts'
import { readStopNotes } from '../../operate/status/stop-note.ts'
import type { World } from '../../ports/world.ts'

/** A lane or source of this process, as an operator can reach it. */
export interface ControlledPart {
  readonly part: PausablePart
  /** A new one after each resume; aborted when the part is paused or the process ends. */
  signal(): AbortSignal
  paused(): boolean
  /** Says whether the part has stops noted; when their note then goes away, their cause may be gone too. */
  expectNote(expected: boolean): void
  /** True once after each time that the note of its stops was taken away. */
  takeNudge(): boolean
}

const LOOK_MS = 1_000

/**
 * Looks once a second at what operators have noted in the lake: pauses, and stops that were taken back. While the lake
 * does not answer, all stays as it was.
 */
export class PartControls {
  readonly #world: World
  readonly #parts = new Map<string, Controlled>()
  #silent = false

  constructor(world: World) {
    this.#world = world
  }

  add(part: PausablePart): ControlledPart {
    const controlled = new Controlled(part, this.#world.signal)
    this.#parts.set(pauseKey(part), controlled)
    return controlled
  }

  /** Before the first work of any part, so that a paused one does none. Throws where the lake does not answer. */
  async look(): Promise<void> {
    const pauses = await readPauseNotes(this.#world.lake)
    for (const [key, part] of this.#parts) {
      const note = pauses.get(key) ?? null
      if (part.setPause(note)) this.#tell(part.part, note)
    }
    if (![...this.#parts.values()].some((part) => part.expectsNote)) return
    const expecting = [...this.#parts].filter(([, part]) => part.expectsNote)
    const stops = await readStopNotes(this.#world.lake)
    for (const [key, part] of expecting) if (!stops.has(key)) part.nudge()
  }

  async watch(): Promise<void> {
    const { clock, signal } = this.#world
    while (!signal.aborted) {
      try {
        await this.look()
        this.#silent = false
      } catch (error) {
        const { message, where } = classifyError(error)
        if (!this.#silent) this.#emit({ type: 'warning', message: `pauses cannot be read: ${message}`, where })
        this.#silent = true
      }
      await clock.sleep(LOOK_MS, signal).catch(() => undefined)
    }
  }

  #tell({ kind, name }: PausablePart, note: PauseNote | null): void {
    if (note === null) this.#emit({ type: 'part.resumed', kind, name })
    else this.#emit({ type: 'part.paused', kind, name, reason: note.reason })
  }

  #emit(happening: Happening): void {
    const { events, runId, traceId } = this.#world
    events.emit({ runId, traceId, jobName: 'up', ...happening })
  }
}

class Controlled implements ControlledPart {
  readonly part: PausablePart
  expectsNote = false
  readonly #ending: AbortSignal
  #paused = false
  #working = new AbortController()
  #nudged = false

  constructor(part: PausablePart, ending: AbortSignal) {
    this.part = part
    this.#ending = ending
    ending.addEventListener('abort', () => this.#working.abort(ending.reason), { once: true })
    if (ending.aborted) this.#working.abort(ending.reason)
  }

  /** Whether that changed anything. */
  setPause(note: PauseNote | null): boolean {
    const paused = note !== null
    if (paused === this.#paused) return false
    this.#paused = paused
    if (paused) this.#working.abort()
    else if (!this.#ending.aborted) this.#working = new AbortController()
    return true
  }

  nudge(): void {
    this.expectsNote = false
    this.#nudged = true
  }

  signal(): AbortSignal {
    return this.#working.signal
  }

  paused(): boolean {
    return this.#paused
  }

  expectNote(expected: boolean): void {
    this.expectsNote = expected
  }

  takeNudge(): boolean {
    const nudged = this.#nudged
    this.#nudged = false
    return nudged
  }
}
