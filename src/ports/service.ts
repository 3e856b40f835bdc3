import type { World } from './world.ts'

/** The HTTP service, as the verb that stays (`up`) starts it: handed in, since a verb knows no route. */
export type StartService = (request: ServiceRequest) => Promise<RunningService>

export interface ServiceRequest {
  readonly world: ServiceWorld
  readonly health: Health
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly token: string | null
}

/** Only read from; `close` of the service leaves the world open. */
export type ServiceWorld = Pick<
  World,
  | 'settings'
  | 'clock'
  | 'events'
  | 'runId'
  | 'traceId'
  | 'log'
  | 'assignment'
  | 'registry'
  | 'lake'
  | 'engine'
  | 'storeRequests'
>

export interface RunningService {
  /** `http://127.0.0.1:8080`, with the port that was taken. */
  readonly url: string
  /** Takes no more requests and ends those that wait; what is being answered gets a moment. */
  close(): Promise<void>
}

/** What the process knows of itself; asked at each request, so both must be cheap. */
export interface Health {
  /** It was asked to end: it finishes what it holds and takes nothing new. */
  draining(): boolean
  loops(): readonly LoopHealth[]
}

/** One thing that the process does again and again: sources, ingest, jobs. */
export interface LoopHealth {
  readonly name: string
  /** When it last came round; null before the first time. */
  readonly lastTurnMs: number | null
  /** Without a turn for longer than this it hangs, and the process should be started again; null: it may take any time. */
  readonly limitMs: number | null
}
