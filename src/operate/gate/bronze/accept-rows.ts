import { SluiceError } from '../../../domain/errors.ts'
import { labelOf, type Expectation } from '../../../domain/expectation.ts'
import { formatTableName } from '../../../domain/identifier.ts'
import { commitTransaction } from '../../../lake/commit.ts'
import { nameFact } from '../../../lake/name-fact.ts'
import type { Bypass } from '../../../transform/build.ts'
import type { OpenInput } from '../../../transform/model-inputs.ts'
import type { GateWorld } from '../judge-staged.ts'

/** The version up to which a person let pass what rows break. */
export function acceptedApp(expectation: Expectation): string {
  return `sluice-gate/${labelOf(expectation)}`
}

/** Lets pass, once, what the rows up to this version break: an empty commit of the bronze table says so. */
export async function acceptRows(
  world: GateWorld,
  { table, name, store, snapshot }: OpenInput,
  accepted: { readonly expectations: readonly Expectation[]; readonly bypass: Bypass },
): Promise<number> {
  const { expectations, bypass } = accepted
  const txns = new Map(expectations.map((each) => [acceptedApp(each), BigInt(snapshot.version)]))
  const { runId, traceId, events } = world
  const outcome = await commitTransaction({
    store,
    snapshot,
    adds: [],
    removes: [],
    txns,
    expectTxns: new Map([...txns.keys()].map((app) => [app, snapshot.txns.get(app) ?? null])),
    reads: 'nothing',
    dataChange: false,
    operation: {
      name: 'GATE BYPASS',
      parameters: { gateBypass: expectations.map(labelOf).join(', '), gateBypassReason: bypass.reason, runId },
      metrics: {},
    },
    clock: world.clock,
    onEvent: (fact) => events.emit({ runId, traceId, jobName: 'gate', ...nameFact(fact, name) }),
  })
  if (outcome.kind === 'committed') return outcome.version
  throw new SluiceError('COMMIT_CONTENDED', `${formatTableName(table)}: ${outcome.reason}`, { where: { table: name } })
}
