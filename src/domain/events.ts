/** What happened, as the flow tells it. Logs, metrics and lineage listen; the flow itself writes none of them. */

import type { JobDataset, DatasetRead, DatasetWritten } from './dataset.ts'
import type { ErrorCode, ErrorWhere } from './errors.ts'
import type { GateAssertion, GateOutcome } from './gate-result.ts'

export interface EventContext {
  readonly runId: string
  readonly jobName: string
  readonly traceId: string
  readonly batchId?: string
}

export type DomainEvent = EventContext & Happening

/** How a stage tells what happened: run, trace and job are its caller's, the batch is its own. */
export type Emit = (happening: Happening, batchId?: string) => void

export type Happening =
  | { readonly type: 'run.started'; readonly verb: string }
  | { readonly type: 'run.ended'; readonly verb: string; readonly exitCode: number; readonly ms: number }
  /** One source read, one table ingested, one model built: what lineage calls a run of a job. */
  | {
      readonly type: 'job.started'
      readonly stage: JobStage
      readonly inputs: readonly JobDataset[]
      readonly outputs: readonly JobDataset[]
    }
  | ({
      readonly type: 'job.ended'
      readonly stage: JobStage
      /** It found nothing to do. */
      readonly idle: boolean
      readonly ms: number
    } & JobEnd)
  /** What a job read or wrote and committed; several of one dataset add up. */
  | ({ readonly type: 'dataset.read' } & DatasetRead)
  | ({ readonly type: 'dataset.written' } & DatasetWritten)
  /** A suite was held against a staged result (silver, gold) or against the new rows of a bronze table. */
  | {
      readonly type: 'gate.judged'
      /** `layer.table`. */
      readonly model: string
      readonly outcome: GateOutcome
      /** Critical expectations that failed. */
      readonly critical: number
      /** Warning expectations that failed. */
      readonly warned: number
      /** Dead letters of stage gate that the judgement wrote. */
      readonly quarantined: number
      readonly assertions: readonly GateAssertion[]
    }
  | {
      readonly type: 'fetch.done'
      readonly topic: string
      readonly partition: number
      readonly first: bigint
      readonly next: bigint
      readonly records: number
    }
  | { readonly type: 'letters.written'; readonly table: string; readonly letters: number; readonly path: string }
  /** Someone looked at what a letter seals. */
  | { readonly type: 'letter.unsealed'; readonly table: string; readonly rowId: string }
  | { readonly type: 'letters.copy_failed'; readonly topic: string; readonly message: string }
  | { readonly type: 'skips.written'; readonly table: string; readonly skips: number; readonly path: string }
  | { readonly type: 'healings.written'; readonly table: string; readonly healings: number; readonly path: string }
  | {
      readonly type: 'data_file.written'
      readonly table: string
      readonly path: string
      readonly rows: number
      readonly bytes: number
    }
  | {
      readonly type: 'commit.done'
      readonly table: string
      readonly version: number
      readonly operation: string
      readonly rows: number
    }
  | { readonly type: 'commit.conflicted'; readonly table: string; readonly version: number; readonly reason: string }
  /** The files of the next commit of an `optimize` are durable. */
  | {
      readonly type: 'optimize.staged'
      readonly table: string
      readonly filesRemoved: number
      readonly filesAdded: number
      readonly bytesRemoved: number
      readonly bytesAdded: number
    }
  | { readonly type: 'checkpoint.written'; readonly table: string; readonly version: number }
  /** What had expired of a table's log was removed; what stays begins with version `from`. */
  | { readonly type: 'log.cleaned'; readonly table: string; readonly from: number | null; readonly files: number }
  /** A batch of files that no version within the retention needs is gone. */
  | { readonly type: 'files.removed'; readonly table: string; readonly files: number; readonly bytes: number }
  | {
      readonly type: 'vacuum.done'
      readonly table: string
      readonly files: number
      readonly bytes: number
      /** False where a budget or the end of the process came first. */
      readonly whole: boolean
      readonly ms: number
    }
  /** What all tables cost a month by the price table; over the budget it is an alarm. */
  | {
      readonly type: 'cost.measured'
      readonly currency: string
      readonly perMonth: number
      readonly budgetPerMonth: number | null
      readonly isOver: boolean
    }
  /** One run of a job that keeps tables small and fast. */
  | {
      readonly type: 'upkeep.done'
      readonly job: 'optimize' | 'vacuum'
      readonly outcome: 'done' | 'partial' | 'failed'
      readonly tables: number
      readonly files: number
      readonly bytes: number
      readonly ms: number
    }
  | {
      readonly type: 'flush.done'
      readonly table: string
      readonly version: number
      readonly landed: number
      readonly quarantined: number
      readonly skipped: number
      readonly ms: number
    }
  | {
      readonly type: 'lane.stopped'
      readonly lane: string
      readonly code: ErrorCode
      readonly message: string
      readonly where: ErrorWhere
    }
  | { readonly type: 'source.read'; readonly source: string; readonly records: number; readonly refused: number }
  | {
      readonly type: 'source.appended'
      readonly source: string
      readonly topic: string
      readonly records: number
      /** Rows that went to the error lane with this append. */
      readonly refused: number
      readonly sequence: bigint
    }
  | {
      readonly type: 'source.stopped'
      readonly source: string
      readonly code: ErrorCode
      readonly message: string
      readonly where: ErrorWhere
    }
  | {
      readonly type: 'model.planned'
      readonly model: string
      readonly mode: 'rebuild' | 'increment' | 'nothing'
      readonly reason: string
    }
  | { readonly type: 'model.staged'; readonly model: string; readonly rows: number; readonly files: number }
  | {
      readonly type: 'model.done'
      readonly model: string
      readonly outcome: string
      readonly rows: number
      readonly version: number | null
      readonly ms: number
    }
  | { readonly type: 'model.failed'; readonly model: string; readonly code: ErrorCode; readonly message: string }
  | { readonly type: 'warning'; readonly message: string; readonly where: ErrorWhere }
  /** An operator's pause keeps a pass or `up` from a part. */
  | {
      readonly type: 'part.paused'
      readonly kind: 'lane' | 'source' | 'job'
      readonly name: string
      readonly reason: string
    }
  | {
      readonly type: 'part.resumed'
      readonly kind: 'lane' | 'source' | 'job'
      readonly name: string
      readonly reason?: string
    }
  | { readonly type: 'up.started'; readonly parts: readonly string[]; readonly url: string | null }
  | { readonly type: 'up.draining'; readonly graceMs: number }
  /** `abandoned`: what was not done within the grace time; the next run goes on from the last commit. */
  | { readonly type: 'up.drained'; readonly abandoned: readonly string[]; readonly ms: number }
  /** Something of `up` failed as a whole; it is tried again after `retryMs`, the rest goes on. */
  | {
      readonly type: 'loop.failed'
      readonly loop: string
      readonly code: ErrorCode
      readonly message: string
      readonly where: ErrorWhere
      readonly retryMs: number
    }

/** `gate`: rows of bronze that landed are judged. */
export type JobStage = 'connect' | 'ingest' | 'build' | 'gate'

export type JobEnd =
  | { readonly outcome: 'completed' | 'interrupted' }
  | { readonly outcome: 'failed'; readonly code: ErrorCode; readonly message: string }
