import { createParquetWriter } from '../../parquet/write-parquet.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { loadLog } from '../log/load-log.ts'
import { checkpointPath, listParts, partPath } from '../log/log-file.ts'
import type { LogState } from '../log/replay.ts'
import { checkpointPartActions, tombstonesKeptMs } from '../retention/table-properties.ts'
import { CHECKPOINT_FIELDS, checkpointBatches, countActions } from './checkpoint-form.ts'
import type { CheckpointPart } from './checkpoint-form.ts'
import { nameCheckpoint } from './last-checkpoint.ts'

/** Small enough that neither writer nor reader holds much beside the table's state, large enough that pages compress. */
const ROW_GROUP_ROWS = 1 << 13

/**
 * Writes the checkpoint of a version: one file, or several parts above a number of actions. Every `txn` is in it,
 * whatever its age. Guarantee: readers see a checkpoint once all of it is there; of several writers of one version each
 * leaves the same. False where the table has no such version.
 */
export async function writeCheckpoint(
  store: ObjectStore,
  { version, nowMs }: { readonly version: number; readonly nowMs: number },
): Promise<boolean> {
  const log = await loadLog(store, version)
  if (log === null) return false
  const { state } = log
  const configuration = state.metaData?.configuration ?? {}
  const tombstonesFromMs = nowMs - tombstonesKeptMs(configuration)
  const actions = countActions(state, tombstonesFromMs)
  const wanted = Math.max(1, Math.ceil(actions / checkpointPartActions(configuration)))
  const parts = wanted === 1 ? 1 : await freeParts(store, version, wanted)
  let bytes = 0
  for (let part = 0; part < parts; part += 1) {
    const path = parts === 1 ? checkpointPath(version) : partPath(version, part + 1, parts)
    bytes += await writePart(store, path, state, { part, parts, tombstonesFromMs })
  }
  await nameCheckpoint(store, { version, actions, parts, bytes, files: state.files.size })
  return true
}

/**
 * A number of parts of which the store holds no part yet: what another engine, or a writer that died, left of a set must
 * not be completed by us, for it may have dealt the files to its parts in another way.
 */
async function freeParts(store: ObjectStore, version: number, wanted: number): Promise<number> {
  const taken = await listParts(store, version)
  let free = wanted
  while (taken.has(free)) free += 1
  return free
}

/** A stream: what is held is a row group's encoded pages. */
async function writePart(store: ObjectStore, path: string, state: LogState, part: CheckpointPart): Promise<number> {
  const out = await store.openWrite(path)
  try {
    const parquet = createParquetWriter({ fields: CHECKPOINT_FIELDS, rowGroupRows: ROW_GROUP_ROWS })
    let bytes = 0
    const send = async (chunks: readonly Uint8Array[]): Promise<void> => {
      for (const chunk of chunks) {
        bytes += chunk.byteLength
        await out.write(chunk)
      }
    }
    for (const batch of checkpointBatches(state, part)) await send(parquet.write(batch))
    await send(parquet.finish().chunks)
    await out.finish()
    return bytes
  } catch (error) {
    await out.abort()
    throw error
  }
}
