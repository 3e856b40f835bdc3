import { formatDuration } from '../../../domain/duration.ts'
import { SluiceError } from '../../../domain/errors.ts'
import { suggestion } from '../../../domain/nearest-word.ts'
import type { Settings } from '../../../domain/settings.ts'
import { runUp, UP_PARTS, type UpPart } from '../../up/run-up.ts'
import type { Verb } from '../../verb.ts'

export const upVerb: Verb = {
  positionals: [],
  flags: [
    {
      name: 'only',
      type: 'text',
      value: 'PARTS',
      meaning: `some of ${UP_PARTS.join(',')}; by default all in one process`,
    },
  ],
  notes: [
    'SIGTERM or Ctrl-C: it fetches nothing more, commits what it holds and exits 0 within up.grace; a second one ends it at once.',
    'Several processes on one lake share sources, partitions and jobs; one takes over from another that died.',
    '`sluice pause` and `sluice resume` reach it within seconds; `sluice status` tells what is stopped and what to do.',
  ],
  async run({ world: open, flags, print, startService }) {
    const only = flags.text('only')
    const parts = only === null ? new Set(UP_PARTS) : parseParts(only)
    const world = await open()
    const abandoned = await runUp({
      world,
      parts,
      named: only !== null,
      startService,
      started: (url) => print.text(describe(world.settings, parts, url)),
    })
    print.result({ run_id: world.runId, abandoned }, () =>
      abandoned.length === 0
        ? 'ended: all that was held is committed'
        : `ended after ${formatDuration(world.settings.up.graceMs)} without ${abandoned.join(', ')}; the next run goes on from the last commit`,
    )
    return 0
  },
}

function parseParts(text: string): ReadonlySet<UpPart> {
  const names = text.split(',').map((name) => name.trim())
  const known: ReadonlySet<string> = new Set(UP_PARTS)
  for (const name of names) {
    if (known.has(name)) continue
    throw new SluiceError(
      'USAGE',
      `--only takes some of ${UP_PARTS.join(',')}, not ${JSON.stringify(name)}${suggestion(name, known)}`,
    )
  }
  return new Set(UP_PARTS.filter((part) => names.includes(part)))
}

function describe({ sources, tables, jobs }: Settings, parts: ReadonlySet<UpPart>, url: string | null): string {
  const told = [
    parts.has('connectors') ? `sources: ${[...sources.keys()].join(', ') || 'none'}` : null,
    parts.has('ingest') ? `lanes: ${[...tables.keys()].map((table) => `bronze.${table}`).join(', ') || 'none'}` : null,
    parts.has('jobs') ? `jobs: ${jobsText(jobs)}` : null,
    url === null ? null : `service: ${url}`,
  ]
  return ['up until SIGTERM or Ctrl-C', ...told.filter((line) => line !== null)].join('\n  ')
}

function jobsText({ build, optimize, vacuum }: Settings['jobs']): string {
  const each = [
    ['build', build.everyMs] as const,
    ['optimize', optimize.everyMs] as const,
    ['vacuum', vacuum.everyMs] as const,
  ]
  return each.flatMap(([name, ms]) => (ms === null ? [] : [`${name} every ${formatDuration(ms)}`])).join(', ')
}
