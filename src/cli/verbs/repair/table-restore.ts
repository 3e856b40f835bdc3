import { SluiceError } from '../../../domain/errors.ts'
import type { SnapshotAt } from '../../../lake/snapshot.ts'
import { prepareRestore, restoreTable, type PreparedRestore } from '../../../operate/restore/restore-table.ts'
import { verifyTable, type PartitionProof, type TableProof } from '../../../operate/verify.ts'
import { formatTable } from '../../format-table.ts'
import { DRY_RUN, YES, type Verb } from '../../verb.ts'
import type { FlagValues } from '../../flag-values.ts'
import { TABLE } from '../look/table-describe.ts'

/** A table as an older version had it, as a new version. */
export const tableRestore: Verb = {
  positionals: [TABLE],
  flags: [
    { name: 'to-version', type: 'integer', value: 'VERSION', meaning: 'the version to go back to' },
    { name: 'to-time', type: 'time', value: 'TIME', meaning: 'go back to the version that stood at that time' },
    DRY_RUN,
    YES,
  ],
  notes: [
    'On bronze the positions go back in the same commit: the next run reads again what came after. On silver and gold the versions of their inputs go back: the next build catches up. The history keeps every version.',
  ],
  async run({ world: open, positionals, flags, print, confirm }) {
    const at = readTarget(flags)
    const world = await open()
    const prepared = await prepareRestore(world, positionals[0]!, at)
    const dryRun = flags.on('dry-run')
    if (!dryRun && !prepared.isSame) await confirm(questionOf(prepared))
    const doIt = !dryRun && !prepared.isSame
    const version = doIt ? await restoreTable(world, prepared) : prepared.table.snapshot.version
    const bronze = doIt ? world.settings.tables.get(prepared.table.name.table) : undefined
    const proof =
      bronze === undefined || prepared.table.name.layer !== 'bronze'
        ? null
        : await verifyTable(world, bronze, { againstLog: false })
    const outcome = prepared.isSame ? 'unchanged' : dryRun ? 'planned' : 'restored'
    const { plan, positions, stale } = prepared
    print.result(
      {
        run_id: world.runId,
        table: prepared.table.text,
        outcome,
        restored_version: prepared.old.version,
        version,
        files_added: plan.adds.length,
        files_removed: plan.removes.length,
        positions: positions.map(({ topic, partition, from, to, gone }) => ({
          topic,
          partition,
          from,
          to,
          gone: gone === null ? [] : [[gone.first, gone.next]],
        })),
        retracted_skips: stale.skips,
        ok: proof?.ok ?? null,
        broken: brokenOf(proof).map(({ topic, partition, missing, doubled }) => ({
          topic,
          partition,
          missing: missing.map(({ first, next }) => [first, next]),
          doubled: doubled.map(({ first, next }) => [first, next]),
        })),
      },
      () => restoreText(prepared, { outcome, version, proof }),
    )
    return proof?.ok === false ? 1 : 0
  },
}

function readTarget(flags: FlagValues): SnapshotAt {
  const version = flags.integer('to-version')
  const timestampMs = flags.ms('to-time')
  if (version !== null && timestampMs === null) return { version }
  if (version === null && timestampMs !== null) return { timestampMs }
  throw new SluiceError('USAGE', '`sluice table restore` needs one of --to-version VERSION and --to-time TIME', {
    hint: '`sluice table history TABLE` lists the versions.',
  })
}

function questionOf({ table, old, plan, positions }: PreparedRestore): string {
  const gone = positions.filter((each) => each.gone !== null)
  const lost =
    gone.length === 0
      ? ''
      : ` The log no longer holds offsets ${gone.map(({ topic, partition, gone: range }) => `${range!.first}–${range!.next - 1n} of ${topic}/${partition}`).join(', ')}: their rows would be LOST.`
  return `Make ${table.text} what version ${old.version} was (now ${table.snapshot.version}): ${plan.adds.length} files come back, ${plan.removes.length} go?${lost}`
}

interface Ended {
  readonly outcome: 'unchanged' | 'planned' | 'restored'
  readonly version: number
  readonly proof: TableProof | null
}

function restoreText(prepared: PreparedRestore, { outcome, version, proof }: Ended): string {
  const { table, old, plan, positions, stale } = prepared
  if (outcome === 'unchanged') return `${table.text} is what version ${old.version} was already`
  const lines = [
    outcome === 'planned'
      ? `${table.text} would become what version ${old.version} was: ${plan.adds.length} files would come back, ${plan.removes.length} go`
      : `${table.text} is what version ${old.version} was, as version ${version}: ${plan.adds.length} files came back, ${plan.removes.length} went`,
  ]
  if (positions.length > 0) {
    const rows = positions.map(({ topic, partition, from, to, gone }) => [
      `${topic}/${partition}`,
      from,
      to,
      gone === null ? '-' : `${gone.first}–${gone.next - 1n}`,
    ])
    lines.push('', formatTable({ heads: ['partition', 'position', 'goes to', 'no longer in the log'], rows }))
  }
  if (stale.skips > 0) lines.push('', `skips that no longer count: ${stale.skips}`)
  if (proof !== null) lines.push('', proof.ok ? 'conservation holds' : brokenText(prepared, proof))
  if (outcome === 'restored')
    lines.push('', table.name.layer === 'bronze' ? 'next: sluice run' : `next: sluice build ${table.text}+`)
  return lines.join('\n')
}

function brokenOf(proof: TableProof | null): readonly PartitionProof[] {
  return (proof?.partitions ?? []).filter(({ missing, doubled }) => missing.length > 0 || doubled.length > 0)
}

/** The restore did what it was asked for: that version lacked rows, or held some twice, as another engine left it. */
function brokenText({ table, old }: PreparedRestore, proof: TableProof): string {
  const broken = brokenOf(proof)
  if (broken.length === 0) return `conservation is BROKEN: \`sluice verify ${table.text}\` says where`
  const lines = [
    `conservation is BROKEN: the table is restored, and version ${old.version} was so already, as a reset that was taken back since leaves it, or a DELETE, MERGE or append of another engine. These bring each offset back once, while the log has its record:`,
  ]
  for (const { topic, partition, missing, doubled } of broken) {
    for (const [what, ranges] of [
      ['missing', missing],
      ['doubled', doubled],
    ] as const) {
      for (const { first, next } of ranges.slice(0, SHOWN_RANGES)) {
        lines.push(
          `  ${what}: sluice replay --topic ${topic} --table ${table.text} --partition ${partition} --from-offset ${first} --to-offset ${next} --yes`,
        )
      }
    }
  }
  const left = broken.reduce((sum, each) => sum + rangesPast(each.missing) + rangesPast(each.doubled), 0)
  if (left > 0) lines.push(`  and ${left} ranges more: sluice verify ${table.text}`)
  return lines.join('\n')
}

const SHOWN_RANGES = 5

function rangesPast(ranges: readonly unknown[]): number {
  return Math.max(0, ranges.length - SHOWN_RANGES)
}
