import { ERRORS, type SluiceError } from '../../domain/errors.ts'
import type { PauseNote } from './pause-note.ts'
import type { Stop, StopNote } from './stop-note.ts'

/** What is remembered between processes, by `kind.name`. */
export interface StatusNotes {
  readonly stops: ReadonlyMap<string, StopNote>
  readonly pauses: ReadonlyMap<string, PauseNote>
}

/** How a lane, source or model is. */
export interface PartStatus {
  /** running: a live process holds it. stopped: a person must act. paused: a person has said so. */
  readonly state: PartState
  /** Stopped or paused: since when. Idle: the last commit. Null where it is not known. */
  readonly since: string | null
  readonly stop: StopReason | null
  /** Why it is paused; null where it is not. */
  readonly pauseReason: string | null
  /** What to type next, or null where there is nothing to do. */
  readonly nextCommand: string | null
}

export type PartState = 'running' | 'idle' | 'stopped' | 'paused'
export type StopReason = Pick<Stop, 'code' | 'message' | 'hint' | 'where'>

export interface PartFacts {
  /** What holds it now, as far as its inputs tell; null where nothing does. */
  readonly found: SluiceError | null
  /** What the last pass met. */
  readonly noted: Stop | null
  readonly running: boolean
  readonly paused?: PauseNote | null
  readonly lastCommitMs: number | null
  /** The command that brings it up to date, or null where it is. */
  readonly catchUp: string | null
}

/** What is found now counts more than what was noted: the note tells since when. Pure. */
export function judgePart({ found, noted, running, paused, lastCommitMs, catchUp }: PartFacts): PartStatus {
  const stop: StopReason | null = found ?? noted
  if (paused !== undefined && paused !== null) {
    const nextCommand = `sluice resume ${paused.kind === 'source' ? `source.${paused.name}` : paused.name}`
    return { state: 'paused', since: paused.since, stop, pauseReason: paused.reason, nextCommand }
  }
  const lastCommit = lastCommitMs === null ? null : new Date(lastCommitMs).toISOString()
  // What is worth a retry stops nobody.
  if (stop === null || ERRORS[stop.code].retry === 'transient') {
    return {
      state: running ? 'running' : 'idle',
      since: lastCommit,
      stop,
      pauseReason: null,
      nextCommand: running ? null : catchUp,
    }
  }
  const since = noted !== null && noted.code === stop.code ? noted.since : null
  // What is found now stands in the way of whoever holds it; what was only noted may be cleared by them.
  const state = running && found === null ? 'running' : 'stopped'
  return { state, since, stop, pauseReason: null, nextCommand: commandFor(stop) ?? catchUp }
}

/** The command that clears a stop, where it is one command. */
export function commandFor({ code, where }: StopReason): string | null {
  const topic = where.topic === undefined ? '' : ` --topic ${where.topic}`
  const partition = where.partition === undefined ? '' : ` --partition ${where.partition}`
  switch (code) {
    case 'CONTRACT_MISSING':
    case 'SUBJECT_UNKNOWN':
    case 'SCHEMA_ID_UNKNOWN':
      return 'sluice contract register'
    case 'OFFSET_OUT_OF_RANGE':
      return `sluice checkpoint reset${topic}${partition} --earliest`
    case 'SOURCE_CHANGED':
      return `sluice checkpoint reset${topic} --accept-new-topic`
    case 'TABLE_MISSING':
    case 'TABLE_FILES_MISSING':
    case 'STORE_UNAVAILABLE':
    case 'SOURCE_UNREADABLE':
      return 'sluice doctor'
    case 'GATE_BLOCKED':
      return where.table?.startsWith('bronze.') === true ? `sluice gate ${where.table}` : null
    default:
      return null
  }
}
