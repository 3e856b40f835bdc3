import type { DescribedObject, SourceBatch } from '../../ports/source-connector.ts'
import { declaredType } from './declared-type.ts'
import { draftSchema, type InferredColumn } from './draft-schema.ts'
import type { InferredContract } from './infer-contract.ts'
import { guessPii } from './pii-guess.ts'
import { ValueProfile } from './value-profile.ts'

export interface DeclaredRequest {
  readonly object: DescribedObject
  /** A first look at its rows, for what is personal among them. */
  readonly read: () => AsyncIterable<SourceBatch>
  readonly subject: string
  readonly name: string
  readonly maxRows: number
}

/** True where the source's catalogue says what its columns are. */
export function isDeclared(object: DescribedObject | undefined): object is DescribedObject {
  return object !== undefined && object.columns.length > 0 && object.columns.every(({ type }) => type !== null)
}

/**
 * Drafts a contract from what the source declares: types, what may be null, the key. Of the rows only some are looked
 * at, for what seems personal.
 */
export async function declaredContract(request: DeclaredRequest): Promise<InferredContract> {
  const { object, subject, name } = request
  const { profiles, rows } = await lookAtRows(request)
  const columns = object.columns.map((column): InferredColumn => {
    const { type, note } = declaredType(column)
    const pii = guessPii(column.name, profiles.get(column.name) ?? new ValueProfile())
    return { name: column.name, type, nullable: column.nullable ?? true, pii, notes: note === null ? [] : [note] }
  })
  const key = object.key.length === 0 ? null : object.key
  return {
    subject,
    schema: draftSchema(name, columns, `Drafted from the catalogue of ${object.name}; mend what it got wrong.`),
    columns,
    key,
    keys: key === null ? [] : [key],
    rows,
    keyRows: rows,
    isWhole: false,
    refused: 0,
    firstRefused: null,
  }
}

async function lookAtRows({
  read,
  maxRows,
}: DeclaredRequest): Promise<{ profiles: Map<string, ValueProfile>; rows: number }> {
  const profiles = new Map<string, ValueProfile>()
  let rows = 0
  for await (const batch of read()) {
    for (const { values } of batch.rows.slice(0, maxRows - rows)) {
      rows += 1
      batch.columns.forEach((column, at) => {
        const profile = profiles.get(column) ?? new ValueProfile()
        profiles.set(column, profile)
        profile.add(values[at] ?? null, false)
      })
    }
    if (rows >= maxRows) break
  }
  return { profiles, rows }
}
