import { group, setting, size, type SettingGroup } from './setting-declarations.ts'

/** `jobs:`, what `up` does by interval. */
export function declareJobs(): SettingGroup {
  return group('What `up` does by interval.', {
    build: group('Bronze to silver and gold.', {
      every: setting({
        type: { kind: 'duration', forever: false },
        default: '5m',
        meaning: 'From the start of one build to the start of the next.',
      }),
    }),
    optimize: group('Small files become large ones, table by table, while no build has the table.', {
      every: every('1h'),
      max_time: maxTime(),
      max_mb: size(4096, 'One run writes no more than this anew; the next goes on.'),
    }),
    vacuum: group('Files that no version within the retention needs go, table by table.', {
      every: every('24h'),
      retain: setting({
        type: { kind: 'duration', forever: false },
        default: '7d',
        meaning: 'How long removed files are kept; a table that keeps its own for longer is left so.',
      }),
      allow_short: setting({
        type: { kind: 'boolean' },
        default: false,
        meaning: 'Take a `retain` below 7d: nobody reads, or travels to, older versions.',
      }),
      max_time: maxTime(),
      max_mb: size(1_048_576, 'One run removes no more than this; the next goes on.'),
    }),
  })
}

function every(text: string) {
  return setting({
    type: { kind: 'duration', forever: true },
    default: text,
    meaning: 'From the start of one run to the start of the next; `forever`: never.',
  })
}

function maxTime() {
  return setting({
    type: { kind: 'duration', forever: false },
    default: '10m',
    meaning: 'No further table is begun after this long; the next run goes on.',
  })
}

/** `cost:`, prices that the report of costs goes by. */
export function declareCost(): SettingGroup {
  const price = (value: number, meaning: string) =>
    setting({ type: { kind: 'number', min: 0, max: 1e9 }, default: value, meaning })
  return group('Prices of the object store; the defaults are those of S3 Standard in us-east-1.', {
    currency: setting({ type: { kind: 'text' }, default: 'USD', meaning: 'What prices are in.' }),
    storage_per_gb_month: price(0.023, 'A gigabyte (10^9 bytes) kept for a month.'),
    reads_per_1000: price(0.0004, 'A thousand GET or HEAD requests.'),
    writes_per_1000: price(0.005, 'A thousand PUT requests.'),
    lists_per_1000: price(0.005, 'A thousand LIST requests.'),
    budget_per_month: setting({
      type: { kind: 'number', min: 0, max: 1e12 },
      meaning: 'More than this for all tables is an alarm: a warning, a metric and a line of `status`.',
    }),
  })
}
