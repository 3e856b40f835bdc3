import { SluiceError, type ErrorCode, type ErrorWhere } from '../../domain/errors.ts'
import type { TopicPartition } from '../../domain/position.ts'
import type { RecordBatch } from '../../domain/record-batch.ts'
import type { BatchFacts, FlushTerms, SettledFlush, StagedRows, StageOrder } from '../../ports/decode-pool.ts'

/** What goes to a thread. A thread works through its messages one after the other. */
export type FlushCall =
  | { readonly kind: 'open'; readonly flush: number; readonly terms: FlushTerms }
  /** `facts.writers` holds only those that this thread was not told yet. */
  | {
      readonly kind: 'take'
      readonly flush: number
      readonly batches: readonly RecordBatch[]
      readonly facts: BatchFacts
    }
  | { readonly kind: 'drop'; readonly flush: number; readonly at: TopicPartition }
  | { readonly kind: 'settle'; readonly flush: number }
  | { readonly kind: 'stage'; readonly flush: number; readonly order: StageOrder; readonly localFile: string }
  | { readonly kind: 'close'; readonly flush: number }

/** What comes back; a drop is answered as `dropped`. `heldBytes`: what the thread holds of the flush by then. */
export type FlushReply =
  | { readonly kind: 'taken' | 'dropped'; readonly flush: number; readonly heldBytes: number }
  | { readonly kind: 'settled'; readonly flush: number; readonly settled: SettledFlush }
  | { readonly kind: 'staged'; readonly flush: number; readonly staged: StagedRows | null }
  | { readonly kind: 'failed'; readonly flush: number; readonly failure: Failure }

/** An error, without what cannot cross. */
export interface Failure {
  /** Null for what is no `SluiceError`. */
  readonly code: ErrorCode | null
  readonly message: string
  readonly where: ErrorWhere
  readonly hint: string
  readonly stack: string
  /** The system's own code, such as ENOSPC. */
  readonly system: string | null
}

export function packFailure(error: unknown): Failure {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
  const system = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
  if (!(error instanceof SluiceError)) return { code: null, message, where: {}, hint: '', stack, system }
  return { code: error.code, message, where: error.where, hint: error.hint, stack, system: null }
}

export function unpackFailure({ code, message, where, hint, stack, system }: Failure): Error {
  const cause = Object.assign(new Error(message), { stack }, system === null ? {} : { code: system })
  return code === null ? cause : new SluiceError(code, message, { where, hint, cause })
}
