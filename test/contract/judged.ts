import assert from 'node:assert/strict'
import type { RecordBatch } from '../../src/domain/record-batch.ts'
import { createJudge, type JudgeOptions, type Judgement } from '../../src/contract/judge.ts'
import type { RegisteredSchema } from '../../src/ports/schema-registry.ts'
import { columnValues } from './column-values.ts'

export interface TestRecord {
  readonly key?: Uint8Array | null
  readonly value: Uint8Array | null
}

/** A batch as a log would hand it over. */
export function batchOf(records: readonly TestRecord[]): RecordBatch {
  const count = records.length
  const [keyStarts, keyEnds, valueStarts, valueEnds] = [0, 1, 2, 3].map(() => new Int32Array(count).fill(-1)) as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ]
  const parts: Uint8Array[] = []
  let at = 0
  const put = (bytes: Uint8Array | null | undefined, starts: Int32Array, ends: Int32Array, i: number): void => {
    if (bytes === null || bytes === undefined) return
    parts.push(bytes)
    starts[i] = at
    at += bytes.length
    ends[i] = at
  }
  records.forEach(({ key, value }, i) => {
    put(key, keyStarts, keyEnds, i)
    put(value, valueStarts, valueEnds, i)
  })
  return {
    topic: 'orders',
    partition: 0,
    first: 0n,
    next: BigInt(count),
    count,
    bytes: Buffer.concat(parts),
    offsetDeltas: Int32Array.from(records.keys()),
    timestampsMs: new Float64Array(count),
    keyStarts,
    keyEnds,
    valueStarts,
    valueEnds,
    headersStarts: new Int32Array(count),
    headersEnds: new Int32Array(count),
    skips: [],
  }
}

export function avro(fields: readonly unknown[], more: Partial<RegisteredSchema> = {}): RegisteredSchema {
  const text = JSON.stringify({ type: 'record', name: 'Order', fields })
  return { subject: 'orders-value', version: 1, id: 11, format: 'avro', text, ...more }
}

export function jsonSchema(schema: object, more: Partial<RegisteredSchema> = {}): RegisteredSchema {
  return { subject: 'orders-value', version: 1, id: 12, format: 'json', text: JSON.stringify(schema), ...more }
}

export interface Verdict extends Judgement {
  /** One object a row that passed. */
  readonly landed: readonly Readonly<Record<string, unknown>>[]
  readonly rescuedTexts: readonly unknown[]
}

/**
 * Judges records under one contract; `writers` besides the contract itself. Judged once more, refusals told one at a
 * time must say the same.
 */
export function judged(
  options: Partial<JudgeOptions> & { readonly schema: RegisteredSchema },
  records: readonly TestRecord[],
  writers: readonly RegisteredSchema[] = [],
): Verdict {
  const judge = createJudge({ mode: 'rescue', keyColumns: [], ...options })
  const batch = batchOf(records)
  const known = new Map([options.schema, ...writers].map((schema) => [schema.id, schema]))
  const verdict = judge.judge(batch, known)
  const told: string[] = []
  judge.judge(batch, known, {
    tell: ({ errors, ...place }, recordJson) =>
      told.push(JSON.stringify([place, errors], null, 1), Buffer.from(recordJson).toString('utf8')),
  })
  assert.deepEqual(
    told,
    verdict.refusals.flatMap(({ errors, record, ...place }) => [
      JSON.stringify([place, errors], null, 1),
      JSON.stringify(record),
    ]),
  )
  const columns = verdict.columns.columns.map(columnValues)
  const landed = Array.from({ length: verdict.columns.length }, (_, row) =>
    Object.fromEntries(verdict.columns.fields.map((field, i) => [field.name, columns[i]![row]])),
  )
  return { ...verdict, landed, rescuedTexts: columnValues(verdict.rescued) }
}
