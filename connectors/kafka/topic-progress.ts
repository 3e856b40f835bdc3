import { foreignState } from '../../src/domain/watermark.ts'

/** One entry of the source's state: `offset:<topic>/<partition>` → this, as JSON. */
export interface PartitionProgress {
  /** The next offset of the other cluster's partition, exclusive of what was copied. */
  readonly next: bigint
  /** The incarnation of the topic that it counts in (I18). */
  readonly source: bigint
}

const PREFIX = 'offset:'

export function progressEntry(topic: string, partition: number): string {
  return `${PREFIX}${topic}/${partition}`
}

export function formatProgress({ next, source }: PartitionProgress): string {
  return JSON.stringify({ next: next.toString(), source: source.toString() })
}

/** Of one topic, by partition. Throws SOURCE_UNREADABLE where an entry is not of this form. */
export function readProgress(
  name: string,
  topic: string,
  entries: ReadonlyMap<string, string>,
): ReadonlyMap<number, PartitionProgress> {
  const prefix = progressEntry(topic, 0).slice(0, -1)
  const known = new Map<number, PartitionProgress>()
  for (const [entry, text] of entries) {
    if (!entry.startsWith(prefix)) continue
    const progress = parseProgress(text)
    const partition = entry.slice(prefix.length)
    if (progress === null || !/^\d{1,9}$/.test(partition)) throw foreignState(name, entry)
    known.set(Number(partition), progress)
  }
  return known
}

function parseProgress(text: string): PartitionProgress | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof parsed !== 'object' || parsed === null || !('next' in parsed) || !('source' in parsed)) return null
  const { next, source } = parsed
  const isNumber = (each: unknown): each is string => typeof each === 'string' && /^\d{1,19}$/.test(each)
  return isNumber(next) && isNumber(source) ? { next: BigInt(next), source: BigInt(source) } : null
}
