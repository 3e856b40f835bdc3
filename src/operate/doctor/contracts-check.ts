import { parseContract } from '../../contract/parse-contract.ts'
import { hasPii } from '../../domain/contract.ts'
import { classifyError, SluiceError } from '../../domain/errors.ts'
import { contractInForce } from '../../ingest/lane/contract-in-force.ts'
import type { World } from '../../ports/world.ts'
import { fail, ok, warn, type Finding } from './check.ts'

/** Every bronze table has a contract in force that can be read, and the keys that it needs to seal and to hash. */
export async function checkContracts(world: Pick<World, 'registry' | 'settings'>): Promise<Finding> {
  const { tables, errors, privacy } = world.settings
  if (tables.size === 0) return warn('the settings name no bronze tables', 'Name them under tables.bronze.')
  const problems: SluiceError[] = []
  const named: string[] = []
  for (const table of tables.values()) {
    try {
      const contract = parseContract(await contractInForce(world.registry, table))
      named.push(`${table.table} ${contract.subject}@${contract.version}`)
      if (hasPii(contract) && errors.sealKey === null) {
        problems.push(
          new SluiceError('SEAL_KEY_MISSING', `${contract.subject} tags PII and errors.seal_key is not set`),
        )
      }
      if (contract.fields.some((field) => field.onIngest === 'hash') && privacy.hashKey === null) {
        problems.push(
          new SluiceError('HASH_KEY_MISSING', `${contract.subject} hashes a field and privacy.hash_key is not set`),
        )
      }
    } catch (error) {
      problems.push(classifyError(error))
    }
  }
  const [first] = problems
  if (first === undefined) return ok(named.join(', '))
  return fail(problems.map(({ message }) => message).join('; '), first.hint)
}
