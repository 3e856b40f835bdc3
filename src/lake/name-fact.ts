import type { Happening } from '../domain/events.ts'
import type { CommitFact } from './transaction.ts'

/** A commit's fact as a domain event: the kernel does not know the table's name, its caller does. */
export function nameFact(fact: CommitFact, table: string): Happening {
  return fact.type === 'warning' ? { ...fact, where: { ...fact.where, table } } : { ...fact, table }
}
