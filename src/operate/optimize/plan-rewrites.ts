import type { AddFile } from '../../lake/snapshot.ts'
import type { EvenFiles } from '../../ports/model-engine.ts'

/** Files of one partition whose rows are written anew together. */
export interface Rewrite {
  /** `partitionKey` of its files. */
  readonly partition: string
  readonly partitionValues: AddFile['partitionValues']
  readonly files: readonly AddFile[]
  readonly bytes: number
}

/** A file is small below this share of the target: two of them fit into one. */
export const SMALL_SHARE = 0.5
/** Of a file whose log entry does not say how many rows it has. */
const GUESSED_ROW_BYTES = 64
/** By which columns, as JSON, the rows of a file's partition were clustered when it was written. */
export const CLUSTERED_TAG = 'sluice.zorder'

export interface CompactionRules {
  readonly targetBytes: number
  readonly thrifty?: boolean
}

/**
 * Which small files become one: in each partition those that were written after one another, up to the target. Every
 * rewrite has two files or more and takes no more than the target; what is left alone is large, or the only small file
 * of its partition, or has no room beside its neighbours. `thrifty`, for what runs again and again: a file is not
 * written anew for others that are less than half of it together, so that a byte is rewritten as often as its file can
 * grow by half, and not each time. Pure.
 */
export function planCompaction(
  files: Iterable<AddFile>,
  { targetBytes, thrifty = false }: CompactionRules,
): readonly Rewrite[] {
  const rewrites: Rewrite[] = []
  for (const [partition, all] of byPartition(files)) {
    const small = all.filter(({ bytes }) => bytes < targetBytes * SMALL_SHARE).sort(asWritten)
    let bin: AddFile[] = []
    let held = 0
    const close = (): void => {
      const taken = thrifty ? withoutHeavy(bin) : bin
      if (taken.length > 1) rewrites.push(rewriteOf(partition, taken))
      bin = []
      held = 0
    }
    for (const file of small) {
      if (held + file.bytes > targetBytes) close()
      bin.push(file)
      held += file.bytes
    }
    close()
  }
  return rewrites
}

/**
 * Which partitions are clustered by `columns`: those where a file came since they were last, or by other columns. One
 * with a single file of no more than the target has nothing to gain. Pure.
 */
export function planClustering(
  files: Iterable<AddFile>,
  { columns, targetBytes }: { readonly columns: readonly string[]; readonly targetBytes: number },
): readonly Rewrite[] {
  const tag = clusteredTag(columns)
  const rewrites: Rewrite[] = []
  for (const [partition, all] of byPartition(files)) {
    if (all.every(({ tags }) => tags?.[CLUSTERED_TAG] === tag)) continue
    if (all.length === 1 && all[0]!.bytes <= targetBytes) continue
    rewrites.push(rewriteOf(partition, all.toSorted(asWritten)))
  }
  return rewrites
}

export function clusteredTag(columns: readonly string[]): string {
  return JSON.stringify(columns)
}

/** Of one table: the same for files of one partition. */
export function partitionKey({ partitionValues }: Pick<AddFile, 'partitionValues'>): string {
  return JSON.stringify(Object.entries(partitionValues).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Rewrites that are staged and committed together, up to `bytes`; one that is larger stands alone. Pure. */
export function groupRewrites(rewrites: readonly Rewrite[], bytes: number): readonly (readonly Rewrite[])[] {
  const groups: Rewrite[][] = []
  let held = Infinity
  for (const rewrite of rewrites) {
    if (held + rewrite.bytes > bytes) {
      groups.push([])
      held = 0
    }
    groups.at(-1)!.push(rewrite)
    held += rewrite.bytes
  }
  return groups
}

/** What a rewrite holds goes to files of even size near the target. Pure. */
export function evenFiles({ files, bytes }: Rewrite, targetBytes: number): EvenFiles {
  const count = Math.max(1, Math.round(bytes / targetBytes))
  const rows = files.reduce((sum, file) => sum + (file.rows ?? file.bytes / GUESSED_ROW_BYTES), 0)
  return { files: count, rows: Math.ceil(rows / count) }
}

/** Of others: how much they must be together for a file to be written anew with them. */
const WORTH_IT = 0.5

function withoutHeavy(bin: readonly AddFile[]): readonly AddFile[] {
  const bySize = bin.toSorted((a, b) => b.bytes - a.bytes)
  let rest = sumOf(bin)
  const heavy = new Set<AddFile>()
  for (const file of bySize) {
    rest -= file.bytes
    if (rest >= file.bytes * WORTH_IT) break
    heavy.add(file)
  }
  return bin.filter((file) => !heavy.has(file))
}

export function sumOf(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

function byPartition(files: Iterable<AddFile>): Map<string, AddFile[]> {
  const partitions = new Map<string, AddFile[]>()
  for (const file of files) {
    const key = partitionKey(file)
    const held = partitions.get(key)
    if (held === undefined) partitions.set(key, [file])
    else held.push(file)
  }
  return partitions
}

/** Neighbours in time hold neighbours in offsets, so that bounds stay narrow. */
function asWritten(a: AddFile, b: AddFile): number {
  return a.modificationTimeMs - b.modificationTimeMs || (a.path < b.path ? -1 : 1)
}

function rewriteOf(partition: string, files: readonly AddFile[]): Rewrite {
  return { partition, partitionValues: files[0]!.partitionValues, files, bytes: sumOf(files) }
}
