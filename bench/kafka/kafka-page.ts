import { median, medianOf } from '../measure.ts'
import type { KafkaRow, LoadRow } from './kafka.ts'

interface Section<Row> {
  readonly machine: string
  readonly rows: readonly Row[]
}

/** Lines of RESULTS.md. */
export function kafkaPage(section: Section<KafkaRow> | undefined): string[] {
  if (section === undefined) return []
  const { machine, rows } = section
  const handCost = (to: string): number | null => {
    const byHand = rows.find(({ name }) => name === to)
    return byHand === undefined ? null : median(byHand.runs).cpuSeconds / byHand.rows
  }
  const [onDisk, onS3] = [handCost('kafka-by-hand'), handCost('kafka-s3-by-hand')]
  return [
    '# Kafka: measured',
    '',
    'The same orders on four partitions of a Kafka 4.3.1 on this machine, lz4 in batches of about 50 KB, by `npm run bench -- kafka`: medians',
    `of the runs, in turn, on ${machine}, with broker and S3 server (versitygw) on the same two cores.`,
    'CPU-seconds and peak are those of the ingest process from start to end, and of the Python path without its start. Every way judges by the same rules, and is set against the path by hand to disk; in the last column against that to S3.',
    '',
    '| what | rows | runs | CPU µs a row | wall s | M rows a second | peak MB | CPU a row: by hand to disk / this | by hand to S3 / this |',
    '|---|---:|---:|---:|---:|---:|---:|---:|---:|',
    ...rows.map(({ name, what, rows: count, runs }) => {
      const { wallSeconds, cpuSeconds, peakBytes } = median(runs)
      const cost = cpuSeconds / count
      const times = onDisk === null ? '–' : `${(onDisk / cost).toFixed(1)} ×`
      const timesS3 = onS3 === null || !name.includes('s3') ? '' : `${(onS3 / cost).toFixed(1)} ×`
      return `| ${[what, count.toLocaleString('en'), runs.length, (cost * 1e6).toFixed(2), wallSeconds.toFixed(1), (count / wallSeconds / 1e6).toFixed(2), Math.round(peakBytes / 2 ** 20), times, timesS3].join(' | ')} |`
    }),
    '',
  ]
}

export function loadPage(section: Section<LoadRow> | undefined): string[] {
  if (section === undefined) return []
  return [
    '# Append to visible: measured',
    '',
    '`npm run bench -- kafka-load`: `sluice up --only ingest` with `ingest.flush_age: 2s` beside an even load by another process; from before',
    `a record is appended until its commit is seen in the table’s log, without the first five seconds. Medians of the runs, on ${section.machine}.`,
    '',
    '| to | records a second | seconds | runs | p50 s | p99 s | most s | CPU s of ingest | peak MB |',
    '|---|---:|---:|---:|---:|---:|---:|---:|---:|',
    ...section.rows.map(({ what, recordsPerSecond, seconds, runs }) => {
      const { cpuSeconds, peakBytes } = median(runs)
      const middle = (pick: (run: (typeof runs)[number]) => number): string =>
        (medianOf(runs.map(pick)) / 1000).toFixed(2)
      return `| ${[what, recordsPerSecond.toLocaleString('en'), seconds, runs.length, middle(({ p50Ms }) => p50Ms), middle(({ p99Ms }) => p99Ms), middle(({ mostMs }) => mostMs), cpuSeconds.toFixed(1), Math.round(peakBytes / 2 ** 20)].join(' | ')} |`
    }),
    '',
  ]
}
