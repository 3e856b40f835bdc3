/** Kafka's default partitioner: murmur2 of the key's bytes (org.apache.kafka.common.utils.Utils.murmur2). */

const M = 0x5bd1e995

export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length
  let h = 0x9747b28c ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) {
    let k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    h = Math.imul(h, M) ^ Math.imul(k, M)
  }
  const rest = length - at
  if (rest > 0) {
    if (rest === 3) h ^= bytes[at + 2]! << 16
    if (rest >= 2) h ^= bytes[at + 1]! << 8
    h = Math.imul(h ^ bytes[at]!, M)
  }
  h ^= h >>> 13
  h = Math.imul(h, M)
  return h ^ (h >>> 15)
}

/** The partition of a key, as Kafka's own clients choose it. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}
