import type { Action } from './action.ts'

/**
 * Engines that look whether a log entry is there and then write it, on every store that we take, so that an entry of
 * another writer that came in between is lost: io.delta.storage's HDFSLogStore renames over it on a disk, its
 * S3SingleDriverLogStore puts over it. S3DynamoDBLogStore and Databricks' commit service keep out their own kind alone.
 */
const WITHOUT_PUT_IF_ABSENT = /^(?:Apache-Spark|Databricks-Runtime)\b/

/** Whether an engine, by the `engineInfo` of its commits, can write over an entry of ours. */
export function canOverwrite(engine: string | null): boolean {
  return engine !== null && WITHOUT_PUT_IF_ABSENT.test(engine)
}

/** Null where the writer of an entry stated none. */
export function engineOf(actions: readonly Action[]): string | null {
  for (const action of actions) {
    if (action.kind !== 'commitInfo') continue
    const { engineInfo } = action.commitInfo
    if (typeof engineInfo === 'string') return engineInfo
  }
  return null
}
