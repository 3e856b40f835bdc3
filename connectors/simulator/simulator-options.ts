import { SluiceError } from '../../src/domain/errors.ts'
import type { SourceSettings } from '../../src/domain/settings.ts'
import { STREAMS } from './shop/shop-event.ts'
import type { ShopFacts, Stream } from './shop/shop-event.ts'

/** The options of one source, checked. */
export interface SimulatorOptions {
  readonly stream: Stream
  readonly facts: ShopFacts
  /** Share of rows beside which a broken one is handed out. */
  readonly badRate: number
}

export function readSimulatorOptions(name: string, options: SourceSettings['options']): SimulatorOptions {
  const refuse = (key: string, why: string): SluiceError =>
    new SluiceError('SETTINGS_INVALID', `sources.${name}.${key} ${why}`, { where: { key: `sources.${name}.${key}` } })
  const number = (key: string, otherwise: number, { max, whole }: { max: number; whole: boolean }): number => {
    const value = options[key] ?? otherwise
    const fits = typeof value === 'number' && value >= 0 && value <= max && (!whole || Number.isInteger(value))
    if (!fits) throw refuse(key, `is no ${whole ? 'whole ' : ''}number from 0 to ${max}`)
    return value
  }
  const rate = (key: string, otherwise: number): number => number(key, otherwise, { max: 1, whole: false })
  const stream = STREAMS.find((each) => each === options['stream'])
  if (stream === undefined) throw refuse('stream', `is none of ${STREAMS.join(', ')}`)
  const start = options['start_date'] ?? '2026-01-01'
  const startMs = typeof start === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(start) ? Date.parse(start) : Number.NaN
  if (Number.isNaN(startMs)) throw refuse('start_date', 'is no date such as 2026-01-31')
  return {
    stream,
    facts: {
      seed: number('seed', 1, { max: 2 ** 31 - 1, whole: true }),
      rows: Math.max(1, number('rows', 2000, { max: 10_000_000, whole: true })),
      startMs,
      lateRate: rate('late_rate', 0.02),
      duplicateRate: rate('duplicate_rate', 0.02),
    },
    badRate: rate('bad_rate', 0.01),
  }
}
