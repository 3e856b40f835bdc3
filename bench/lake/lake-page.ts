import { median } from '../measure.ts'
import type { LakeRow } from './scenarios.ts'

const TITLES = {
  scd2: [
    'A dimension takes changes',
    'gold.dim_customer, 5 M current rows at full size, takes a tenth as many changes: moves, a fifth of them late, new customers, deletions.',
  ],
  silver: [
    'An increment beside a rebuild',
    'silver.orders, 10 M lines of a year at full size, one in a hundred new or changed: half new, the others of the ten days before but for 1 in 50 of two months.',
  ],
  activity: [
    'Events with their customer and order',
    'silver.customer_activity from nothing, 10 M events of 90 days at full size with a tenth as many order lines; a few customers have most of both.',
  ],
} as const

/** The last line is what the others are set against. */
export function lakePage(
  section: { readonly machine: string; readonly rows: readonly LakeRow[] } | undefined,
  name: keyof typeof TITLES,
): string[] {
  if (section === undefined) return []
  const [title, what] = TITLES[name]
  const base = median(section.rows.at(-1)!.runs)
  return [
    `# ${title}: measured`,
    '',
    `${what} Medians of ${section.rows[0]!.runs.length} runs in turn, by \`npm run bench -- ${name}\`, on ${section.machine}; every way came to the same rows.`,
    'CPU-seconds and peak are the whole program’s; of Spark those of its process, without the start of its session and a first small table.',
    '',
    '| what | rows | wall s | CPU s | peak MB | wall: last line / this | CPU: last line / this |',
    '|---|---:|---:|---:|---:|---:|---:|',
    ...section.rows.map((row) => {
      const { wallSeconds, cpuSeconds, peakBytes } = median(row.runs)
      const times = (one: number, other: number): string => `${(one / other).toFixed(1)} ×`
      return `| ${[row.what, row.rows.toLocaleString('en'), wallSeconds.toFixed(1), cpuSeconds.toFixed(1), Math.round(peakBytes / 2 ** 20), times(base.wallSeconds, wallSeconds), times(base.cpuSeconds, cpuSeconds)].join(' | ')} |`
    }),
    '',
  ]
}
