import { partitionFolder } from '../../lake/files/partition-path.ts'

/**
 * Tells hidden paths, which no engine takes for data: a part of theirs begins with `_` or `.`, and is not the folder of
 * a partition column that is called so (`_run_date=2026-01-04`). `_change_data` counts as hidden: Spark's vacuum cleans
 * it, ours leaves it to Spark, for we write to no table that has it.
 */
export function hiddenBy(partitionColumns: readonly string[]): (path: string) => boolean {
  const folders = partitionColumns.map((column) => partitionFolder([column], { [column]: 'x' }).slice(0, -'x/'.length))
  const isHidden = (part: string): boolean =>
    (part.startsWith('_') || part.startsWith('.')) && !folders.some((folder) => part.startsWith(folder))
  return (path) => path.split('/').some(isHidden)
}
