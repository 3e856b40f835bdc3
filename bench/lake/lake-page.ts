import { median } from '../measure.ts'
import type { ZorderMeasured } from './maintenance.ts'
import type { LakeRow } from './scenarios.ts'

const TITLES = {
  scd2: [
    'A dimension takes changes',
    'gold.dim_customer, 5 M current rows at full size, takes a tenth as many changes: moves, a fifth of them late, new customers, deletions.',
  ],
  silver: [
    'An increment beside a rebuild',
    'silver.orders, 10 M lines of a year at full size, parted by day; one in a hundred is new or changed. What an increment costs goes by how many days it reaches back: their files are written anew.',
  ],
  activity: [
    'Events with their customer and order',
    'silver.customer_activity from nothing, 10 M events of 90 days at full size with a tenth as many order lines; a few customers have most of both.',
  ],
  optimize: [
    'Small files become few',
    'bronze.orders, 2,000 files of about 0.5 MB at full size, 26 columns, to files of 128 MB.',
  ],
  zorder: [
    'A table is clustered by two columns',
    'silver.events, 10 M rows at full size of skewed customers at random times, each file with some of all, to files of 2 MB by customer and time.',
  ],
  snapshot: [
    'A table of many files and commits is opened',
    'silver.events, 100,000 files by 10,000 commits at full size, seven columns, the last checkpoint 99 commits old: opened by a process that begins, its files, their bytes and the rows that their statistics state summed up. The disk’s cache is warm.',
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
    'CPU-seconds and peak are the whole program’s; of Spark and Python those of their process, without its start.',
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

/** What queries must read by the statistics of the log, on average over two hundred rows. */
export function readsPage(reads: ZorderMeasured['reads'] | undefined): string[] {
  if (reads === undefined) return []
  return [
    '| clustered by | a query for | reads files before | after | times fewer | MB before | after |',
    '|---|---|---:|---:|---:|---:|---:|',
    ...reads.flatMap(({ what, effect }) =>
      effect.map(({ query, columns, filesBefore, filesAfter, bytesBefore, bytesAfter }) => {
        const asked =
          query === 'point' ? `one value of ${columns.join(' and ')}` : `a tenth of the rows by ${columns[0]}`
        const mb = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
        return `| ${[what, asked, filesBefore.toFixed(1), filesAfter.toFixed(1), (filesBefore / filesAfter).toFixed(1), mb(bytesBefore), mb(bytesAfter)].join(' | ')} |`
      }),
    ),
    '',
  ]
}
