import { writeCheckpoint } from '../checkpoint/write-checkpoint.ts'
import type { Transaction } from '../transaction.ts'
import { cleanLog } from './clean-log.ts'
import { checkpointInterval, logKeptMs } from './table-properties.ts'

/**
 * What the writer of every hundredth version (`delta.checkpointInterval`) does beside: it leaves a checkpoint, and
 * removes what has expired of the log before older ones. A failure is told and otherwise harmless: the commit stands,
 * and so does the log.
 */
export async function keepLog(tx: Transaction, version: number): Promise<void> {
  const configuration = tx.metadata?.configuration ?? tx.snapshot?.metadata.configuration ?? {}
  if (version === 0 || version % checkpointInterval(configuration) !== 0) return
  const nowMs = tx.clock.nowMs()
  await harmless(tx, `no checkpoint of version ${version} was written`, version, async () => {
    if (await writeCheckpoint(tx.store, { version, nowMs })) tx.onEvent?.({ type: 'checkpoint.written', version })
  })
  const keptMs = logKeptMs(configuration)
  if (keptMs === null) return
  await harmless(tx, 'the log was not cleaned to its end', version, async () => {
    const { files, from } = await cleanLog(tx.store, { nowMs, keptMs })
    if (files > 0) tx.onEvent?.({ type: 'log.cleaned', from, files })
  })
}

async function harmless(tx: Transaction, failed: string, version: number, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    tx.onEvent?.({ type: 'warning', message: `${failed}: ${why}`, where: { table: tx.store.uri, version } })
  }
}
