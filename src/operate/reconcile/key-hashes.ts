import { hash } from 'node:crypto'

/** A set of keys in 9 bytes each: 64 bits of a hash, and whether the key was met. Two keys of one hash count as one. */
export class KeyHashes {
  #hashes = new BigUint64Array(1024)
  #met = new Uint8Array(0)
  size = 0

  add(key: readonly string[]): void {
    if (this.size === this.#hashes.length) {
      const larger = new BigUint64Array(this.size * 2)
      larger.set(this.#hashes)
      this.#hashes = larger
    }
    this.#hashes[this.size] = hashOf(key)
    this.size += 1
  }

  /** No key is added behind this. */
  close(): void {
    this.#hashes = this.#hashes.slice(0, this.size).sort()
    this.#met = new Uint8Array(this.size)
  }

  /** Whether the key is there; it counts as met then. */
  meet(key: readonly string[]): boolean {
    const at = this.#find(hashOf(key))
    if (at < 0) return false
    this.#met[at] = 1
    return true
  }

  isUnmet(key: readonly string[]): boolean {
    const at = this.#find(hashOf(key))
    return at >= 0 && this.#met[at] === 0
  }

  get unmet(): number {
    return this.#met.reduce((sum, met) => sum + (met === 0 ? 1 : 0), 0)
  }

  #find(wanted: bigint): number {
    let [low, high] = [0, this.size - 1]
    while (low <= high) {
      const middle = (low + high) >>> 1
      const there = this.#hashes[middle]!
      if (there === wanted) return middle
      if (there < wanted) low = middle + 1
      else high = middle - 1
    }
    return -1
  }
}

function hashOf(key: readonly string[]): bigint {
  return BigInt(`0x${hash('sha256', JSON.stringify(key), 'hex').slice(0, 16)}`)
}
