import { seededRandom } from '../../support/random.ts'

/** Seeded draws of one writer; each has its own, so that the pace of one changes nothing of what another writes. */
export interface Draw {
  readonly below: (count: number) => number
  readonly chance: (share: number) => boolean
  readonly one: <T>(from: readonly T[]) => T
}

export function drawOf(seed: number): Draw {
  const random = seededRandom(seed)
  const below = (count: number): number => Math.floor(random() * count)
  return { below, chance: (share) => random() < share, one: (from) => from[below(from.length)]! }
}

export const CUSTOMERS = Array.from({ length: 30 }, (_, i) => `C${String(i).padStart(6, '0')}`)
export const PRODUCTS = Array.from({ length: 6 }, (_, i) => `P${String(10_000 + i)}`)
export const CURRENCIES = ['USD', 'GBP', 'NOK'] as const

export function dayBefore(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10)
}
