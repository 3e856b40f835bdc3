import { writeParquet } from '../../parquet/write-parquet.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { Transaction } from '../transaction.ts'
import type { TextMap } from '../log/action.ts'
import { checkpointBatch } from './checkpoint-form.ts'
import { loadLog } from '../log/load-log.ts'
import { checkpointPath, LAST_CHECKPOINT, readCheckpointHint } from '../log/log-file.ts'

const INTERVAL = 100
const TOMBSTONES_KEPT_MS = 7 * 86_400_000
const INTERVAL_TEXT = /^interval\s+(\d+)\s+(second|minute|hour|day|week)s?$/i
const UNIT_MS: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
}

/**
 * After every hundredth commit (`delta.checkpointInterval`) its writer leaves a checkpoint. A failure is told and
 * otherwise harmless: the log stands without it.
 */
export async function checkpointAfter(tx: Transaction, version: number): Promise<void> {
  const configuration = tx.metadata?.configuration ?? tx.snapshot?.metadata.configuration ?? {}
  if (version === 0 || version % intervalOf(configuration) !== 0) return
  try {
    if (!(await writeCheckpoint(tx.store, { version, nowMs: tx.clock.nowMs() }))) return
    tx.onEvent?.({ type: 'checkpoint.written', version })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const message = `no checkpoint of version ${version} was written: ${why}`
    tx.onEvent?.({ type: 'warning', message, where: { table: tx.store.uri, version } })
  }
}

/** False where the table has no such version. */
export async function writeCheckpoint(
  store: ObjectStore,
  { version, nowMs }: { readonly version: number; readonly nowMs: number },
): Promise<boolean> {
  const log = await loadLog(store, version)
  if (log === null) return false
  const configuration = log.state.metaData?.configuration ?? {}
  const batch = checkpointBatch(log.state, nowMs - tombstonesKeptMs(configuration))
  const { bytes } = writeParquet({ fields: batch.fields, batches: [batch] })
  await store.put(checkpointPath(version), bytes)
  if (((await readCheckpointHint(store)) ?? -1) > version) return true
  const hint = {
    version,
    size: batch.length,
    sizeInBytes: bytes.byteLength,
    numOfAddFiles: log.state.files.size,
  }
  await store.put(LAST_CHECKPOINT, Buffer.from(JSON.stringify(hint)))
  return true
}

function intervalOf(configuration: TextMap): number {
  const interval = Number(configuration['delta.checkpointInterval'])
  return Number.isSafeInteger(interval) && interval > 0 ? interval : INTERVAL
}

/** `interval 1 week`; anything else is taken as the default. */
export function tombstonesKeptMs(configuration: TextMap): number {
  const match = INTERVAL_TEXT.exec(configuration['delta.deletedFileRetentionDuration']?.trim() ?? '')
  return match === null ? TOMBSTONES_KEPT_MS : Number(match[1]) * UNIT_MS[match[2]!.toLowerCase()]!
}
