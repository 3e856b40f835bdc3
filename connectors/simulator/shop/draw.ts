/** Numbers in [0, 1) that depend on nothing but the seed and the label, so that any day can be told without those before it. */
export type Draw = () => number

export function drawOf(seed: number, ...label: readonly (string | number)[]): Draw {
  // FNV-1a over the label, then mulberry32
  let state = (0x811c9dc5 ^ seed) >>> 0
  for (const part of label) {
    const text = `${part}/`
    for (let i = 0; i < text.length; i += 1) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193) >>> 0
  }
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function pick<T>(draw: Draw, items: readonly T[]): T {
  return items[Math.floor(draw() * items.length)]!
}

/** Whole, both ends included. */
export function between(draw: Draw, low: number, high: number): number {
  return low + Math.floor(draw() * (high - low + 1))
}

/** A new list in another order. */
export function shuffled<T>(draw: Draw, items: readonly T[]): T[] {
  const mixed = [...items]
  for (let i = mixed.length - 1; i > 0; i -= 1) {
    const j = Math.floor(draw() * (i + 1))
    const kept = mixed[i]!
    mixed[i] = mixed[j]!
    mixed[j] = kept
  }
  return mixed
}
