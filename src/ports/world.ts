import type { Settings, SourceSettings } from '../domain/settings.ts'
import type { Assignment } from './assignment.ts'
import type { Clock } from './clock.ts'
import type { DecodePool } from './decode-pool.ts'
import type { EventSink } from './event-sink.ts'
import type { ModelEngine } from './model-engine.ts'
import type { ObjectStore, RequestKind } from './object-store.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import type { SourceConnector } from './source-connector.ts'
import type { TopicLog } from './topic-log.ts'
import type { WatermarkMirror } from './watermark-mirror.ts'

/** Everything that one process was given. `compose` builds it once; a stage takes the parts that it names (`Pick<World, …>`). */
export interface World {
  readonly settings: Settings
  readonly clock: Clock
  readonly events: EventSink
  readonly runId: string
  readonly traceId: string
  readonly log: TopicLog
  readonly assignment: Assignment
  readonly registry: SchemaRegistry
  /** Where batches are judged and written. */
  readonly decodePool: DecodePool
  /** Rooted at `lake.uri`: `<layer>/<table>`, `_errors/…`. */
  readonly lake: ObjectStore
  /** Any other place: a folder, absolute or relative to the process's own. */
  storeAt(uri: string): ObjectStore
  /** Requests to object stores since this process began, by kind; empty where all is on local disks. */
  readonly storeRequests: ReadonlyMap<RequestKind, number>
  /** Opened at first use: verbs that ask nothing of it do not pay for it. */
  engine(): Promise<ModelEngine>
  /** Null where none is asked for. */
  readonly watermarkMirror: WatermarkMirror | null
  connector(source: SourceSettings): SourceConnector
  /** A fresh local folder for staged files, on the lake's own disk where that is local; removed by `close`. */
  stagingFolder(purpose: string): Promise<string>
  /** Aborted when the process is asked to end. */
  readonly signal: AbortSignal
  close(): Promise<void>
}

/** What looking at tables and files by their place asks for: no project and no settings. */
export type Bench = Pick<World, 'engine' | 'storeAt' | 'connector' | 'close'>
