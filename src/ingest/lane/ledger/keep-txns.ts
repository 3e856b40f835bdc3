import type { Emit } from '../../../domain/events.ts'
import type { BronzeTableSettings } from '../../../domain/settings.ts'
import { commitTransaction } from '../../../lake/commit.ts'
import { nameFact } from '../../../lake/name-fact.ts'
import { TXN_RETENTION } from '../../../lake/retention/table-properties.ts'
import { refreshSnapshot, type Snapshot } from '../../../lake/snapshot.ts'
import type { World } from '../../../ports/world.ts'

/**
 * Takes `delta.setTransactionRetentionDuration` out of a bronze table before it is read into: with it other engines
 * drop the `txn` of a partition that was quiet for longer, which is its position (I1). It is taken out, with a warning,
 * rather than the lane refused: the positions still stand, and to stop would only let them grow older. Where one is gone
 * already, `LostPositions` stops its partition. Where another writer was faster the next flush tries again.
 */
export async function keepTxns(
  world: Pick<World, 'lake' | 'clock'>,
  { table }: Pick<BronzeTableSettings, 'table'>,
  snapshot: Snapshot | null,
  emit: Emit,
): Promise<Snapshot | null> {
  const stated = snapshot?.metadata.configuration[TXN_RETENTION]
  if (snapshot === null || stated === undefined) return snapshot
  const store = world.lake.at(`bronze/${table}`)
  const { [TXN_RETENTION]: _, ...configuration } = snapshot.metadata.configuration
  const outcome = await commitTransaction({
    store,
    snapshot,
    metadata: { configuration },
    adds: [],
    removes: [],
    txns: new Map(),
    expectTxns: new Map(),
    reads: 'nothing',
    dataChange: false,
    operation: {
      name: 'UNSET TBLPROPERTIES',
      parameters: { properties: JSON.stringify([TXN_RETENTION]), ifExists: 'true' },
      metrics: {},
    },
    clock: world.clock,
    onEvent: (fact) => emit(nameFact(fact, `bronze.${table}`)),
  })
  if (outcome.kind === 'conflicted') return snapshot
  const message = `bronze.${table} asked engines to drop transactions after ${JSON.stringify(stated)}, among them the positions of ingest: ${TXN_RETENTION} was taken out`
  emit({ type: 'warning', message, where: { table: `bronze.${table}`, version: outcome.version } })
  return refreshSnapshot(store, snapshot)
}
