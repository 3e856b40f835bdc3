/** With more changes than these, and than a quarter of the ground, a copy gets a new ground. */
const LEAST_FOLD = 256

/**
 * A map that is copied in the time of its latest changes, not of what it holds: copies share the ground, and each has
 * changes of its own. Guarantee: a copy and what it was made of never see each other's changes. Folding changes into a
 * new ground costs what it holds, so seldom that a change costs a constant on average.
 * Non-guarantee: entries come in a plain map's order, but those set after a copy was made come last.
 */
export class LayeredMap<K, V> implements ReadonlyMap<K, V> {
  #ground = new Map<K, V>()
  /** Somebody else reads the ground: what is new goes to the changes. */
  #shared = false
  /** Set since then, or undefined where removed. */
  #changes = new Map<K, { readonly value: V } | undefined>()
  #size = 0

  constructor(from?: LayeredMap<K, V>) {
    if (from === undefined) return
    from.#fold()
    from.#shared = true
    this.#shared = true
    this.#ground = from.#ground
    this.#changes = new Map(from.#changes)
    this.#size = from.#size
  }

  get size(): number {
    return this.#size
  }

  get(key: K): V | undefined {
    const change = this.#changes.get(key)
    if (change !== undefined) return change.value
    return this.#changes.has(key) ? undefined : this.#ground.get(key)
  }

  has(key: K): boolean {
    return this.#changes.get(key) !== undefined || (this.#ground.has(key) && !this.#changes.has(key))
  }

  set(key: K, value: V): void {
    if (!this.has(key)) this.#size += 1
    if (this.#shared) this.#changes.set(key, { value })
    else this.#ground.set(key, value)
  }

  delete(key: K): void {
    if (!this.has(key)) return
    this.#size -= 1
    if (!this.#shared) this.#ground.delete(key)
    else if (this.#ground.has(key)) this.#changes.set(key, undefined)
    else this.#changes.delete(key)
  }

  *entries(): Generator<[K, V], undefined> {
    for (const entry of this.#ground) if (!this.#changes.has(entry[0])) yield entry
    for (const [key, change] of this.#changes) if (change !== undefined) yield [key, change.value]
    return undefined
  }

  *keys(): Generator<K, undefined> {
    for (const [key] of this.entries()) yield key
    return undefined
  }

  *values(): Generator<V, undefined> {
    for (const [, value] of this.entries()) yield value
    return undefined
  }

  forEach(act: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) act(value, key, this)
  }

  [Symbol.iterator](): Generator<[K, V], undefined> {
    return this.entries()
  }

  #fold(): void {
    if (this.#changes.size <= LEAST_FOLD || this.#changes.size <= this.#ground.size / 4) return
    this.#ground = new Map(this.entries())
    this.#changes = new Map()
  }
}
