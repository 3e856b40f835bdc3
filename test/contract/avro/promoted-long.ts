import { isDeepStrictEqual } from 'node:util'

/**
 * avsc promotes a long to a double through 53-bit arithmetic: past 2^53 it loses digits, and the sign too
 * (-106765841822819540 comes back as 106765841822819540). Ours is the nearest double, whose shortest text is the long's.
 */
export function differOnlyByPromotedLong(ours: unknown, theirs: unknown): boolean {
  if (typeof ours === 'number' && typeof theirs === 'number') {
    return Object.is(ours, theirs) || Math.abs(ours) > Number.MAX_SAFE_INTEGER
  }
  if (typeof ours !== 'object' || typeof theirs !== 'object' || ours === null || theirs === null)
    return isDeepStrictEqual(ours, theirs)
  if (ArrayBuffer.isView(ours) || ArrayBuffer.isView(theirs)) return isDeepStrictEqual(ours, theirs)
  const [left, right] = [new Map(Object.entries(ours)), new Map(Object.entries(theirs))]
  if (left.size !== right.size) return false
  return [...left].every(([key, value]) => right.has(key) && differOnlyByPromotedLong(value, right.get(key)))
}

/** Whether a pair of schemas may promote a long at all. */
export function mayPromoteLong(writer: object, reader: object): boolean {
  return /"long"/.test(JSON.stringify(writer)) && /"(double|float)"/.test(JSON.stringify(reader))
}
