import type { ConnectorDeclaration, Setting } from '../../src/domain/setting-declarations.ts'
import { STREAMS } from './shop/shop-event.ts'

/** What `connector: simulator` adds to an entry of `sources:`. */
export const simulatorDeclaration: ConnectorDeclaration = {
  connector: 'simulator',
  meaning: 'A made-up shop: each run hands out its next day.',
  options: {
    stream: {
      kind: 'setting',
      type: { kind: 'choice', values: STREAMS },
      required: true,
      example: 'orders',
      meaning: 'What of the shop this source hands out.',
    },
    seed: {
      kind: 'setting',
      type: { kind: 'integer', min: 0, max: 2 ** 31 - 1 },
      default: 1,
      meaning: 'Another seed is another shop; streams of one shop have the same seed, rows and start_date.',
    },
    rows: {
      kind: 'setting',
      type: { kind: 'integer', min: 1, max: 10_000_000 },
      default: 2000,
      meaning: 'New order lines a day; everything else scales with it.',
    },
    start_date: {
      kind: 'setting',
      type: { kind: 'text' },
      default: '2026-01-01',
      meaning: 'The first day of the shop, YYYY-MM-DD.',
    },
    bad_rate: rate(0.01, 'Share of rows beside which a broken one is handed out.'),
    late_rate: rate(0.02, 'Share of rows that come one to three days late.'),
    duplicate_rate: rate(0.02, 'Share of rows that come twice.'),
  },
}

function rate(share: number, meaning: string): Setting {
  return { kind: 'setting', type: { kind: 'number', min: 0, max: 1 }, default: share, meaning }
}
