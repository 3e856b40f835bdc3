import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import { commitTransaction } from '../../src/lake/commit.ts'
import { openTable, loggedFile, transaction } from './table-steps.ts'

/** One writer of a race: moves its own txn and, where asked, one that all share, by one with every commit. */
const [root, name, commits, sharing] = process.argv.slice(2)
const store = openFilesystemStore(root!)
let conflicts = 0
for (let done = 0; done < Number(commits);) {
  const snapshot = await openTable(store)
  const expectTxns = new Map([[name!, snapshot.txns.get(name!) ?? null]])
  if (sharing === 'shared') expectTxns.set('shared', snapshot.txns.get('shared') ?? null)
  const txns = new Map(Array.from(expectTxns, ([appId, version]) => [appId, (version ?? 0n) + 1n]))
  const adds = [loggedFile(`${name}-${done}-${conflicts}`)]
  const outcome = await commitTransaction(transaction(store, snapshot, { adds, txns, expectTxns, clock: systemClock }))
  if (outcome.kind === 'committed') done += 1
  else conflicts += 1
}
process.stdout.write(`${conflicts}\n`)
