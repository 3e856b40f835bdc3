import type { ContractField } from '../../domain/contract.ts'
export function jsonContractFields(_schema: unknown, _subject: string): ContractField[] { return [] }
