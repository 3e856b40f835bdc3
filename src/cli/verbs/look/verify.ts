import type { OffsetRange } from '../../../domain/offset-range.ts'
import { selectTables, verifyTable, type PartitionProof, type TableProof } from '../../../operate/verify.ts'
import { formatTable } from '../../format-table.ts'
import { offsetPairs } from '../../offset-pairs.ts'
import type { Verb } from '../../verb.ts'

/** The conservation proof (I17). Exit 1 names each missing or doubled offset. */
export const verifyVerb: Verb = {
  positionals: [{ name: 'TABLE', meaning: 'bronze tables; all where none is named', required: false, repeated: true }],
  flags: [
    { name: 'against-log', type: 'switch', meaning: 'also fail where the log holds a live record inside a skip' },
  ],
  notes: [
    'For every topic, epoch and partition: rows in the data files, dead letters and skips together cover every offset before the position, and no offset landed twice.',
  ],
  async run({ world: open, positionals, flags, print }) {
    const world = await open()
    const tables: TableProof[] = []
    for (const table of selectTables(world.settings.tables, positionals)) {
      tables.push(await verifyTable(world, table, { againstLog: flags.on('against-log') }))
    }
    const ok = tables.every((table) => table.ok)
    print.result(
      {
        ok,
        tables: tables.map(({ table, partitions, refusedAtSource }) => ({
          table,
          partitions: partitions.map(proofForm),
          refused_at_source: refusedAtSource,
        })),
      },
      () => proofText(tables),
    )
    return ok ? 0 : 1
  },
}

function proofForm(proof: PartitionProof): object {
  return {
    topic: proof.topic,
    partition: proof.partition,
    epoch: proof.epoch,
    first: proof.first,
    next: proof.next,
    landed: Number(proof.landed),
    quarantined: Number(proof.quarantined),
    skipped: Number(proof.skipped),
    missing: offsetPairs(proof.missing),
    doubled: offsetPairs(proof.doubled),
    healed: Number(proof.healed),
    phantoms: Number(proof.phantoms),
    landed_in_skip: offsetPairs(proof.landedInSkip),
    beyond: offsetPairs(proof.beyond),
    live_in_skip: offsetPairs(proof.liveInSkip),
  }
}

function proofText(tables: readonly TableProof[]): string {
  const rows = tables.flatMap(({ table, partitions }) =>
    partitions.map((each) => [
      table,
      `${each.topic}/${each.partition}`,
      each.epoch,
      `[${each.first},${each.next})`,
      each.landed,
      each.quarantined,
      each.skipped,
      each.ok ? 'holds' : 'BROKEN',
    ]),
  )
  const lines = [
    rows.length === 0
      ? 'nothing was ingested yet'
      : formatTable({
          heads: ['table', 'partition', 'epoch', 'range', 'landed', 'quarantined', 'skipped', 'conservation'],
          rows,
        }),
  ]
  for (const { table, partitions } of tables) {
    for (const each of partitions) {
      const at = `${table} ${each.topic}/${each.partition} epoch ${each.epoch}`
      for (const [what, ranges] of faults(each))
        if (ranges.length > 0) lines.push(`${at}: ${what} ${ranges.map(rangeText).join(' ')}`)
    }
  }
  return lines.join('\n')
}

function faults(proof: PartitionProof): [string, readonly OffsetRange[]][] {
  return [
    ['missing', proof.missing],
    ['doubled', proof.doubled],
    ['landed although skipped', proof.landedInSkip],
    ['landed at or after the position', proof.beyond],
    ['live in the log although skipped', proof.liveInSkip],
  ]
}

function rangeText({ first, next }: OffsetRange): string {
  return next === first + 1n ? `${first}` : `[${first},${next})`
}
