import type { DeadLetter, JsonValue } from '../../domain/dead-letter.ts'
import { labelOf } from '../../domain/expectation.ts'
import { maskAll } from '../../domain/masking.ts'
import { columnsOf } from '../../domain/expectation.ts'
import { rowIdOfGate } from '../../error-lane/row-id.ts'
import type { TableName } from '../../domain/identifier.ts'
import type { EngineRow } from '../../ports/model-engine.ts'
import { describeFinding, type Finding } from '../../quality/finding.ts'
import { plainRow } from '../look/plain-rows.ts'
import { maskRow, type PrivateColumns } from '../look/private-columns.ts'

export interface GateLetterFacts {
  readonly table: TableName
  readonly key: readonly string[]
  /** `layer.table@version` of what the rows were made from. */
  readonly inputVersions: readonly string[]
  /** Null: what is private is not known, so all of it is masked. */
  readonly hidden: PrivateColumns | null
  readonly runId: string
  readonly batchId: string
  readonly nowMs: number
}

/**
 * The sampled rows that critical expectations refused, each once with all that it broke. The same row refused again
 * for the same inputs has the same row id. Pure.
 */
export function gateLetters(findings: readonly Finding[], facts: GateLetterFacts): DeadLetter[] {
  const letters = new Map<string, DeadLetter>()
  for (const finding of findings) {
    for (const row of finding.samples) {
      const rule = labelOf(finding.expectation)
      const rowId = rowIdOfGate({
        table: `${facts.table.layer}.${facts.table.table}`,
        key: keyTexts(row, facts.key),
        rule,
        inputVersions: facts.inputVersions,
      })
      letters.set(rowId, toLetter(rowId, row, finding, facts))
    }
  }
  return [...letters.values()]
}

function toLetter(rowId: string, row: EngineRow, finding: Finding, facts: GateLetterFacts): DeadLetter {
  return {
    rowId,
    layer: facts.table.layer,
    table: facts.table.table,
    runId: facts.runId,
    batchId: facts.batchId,
    stage: 'gate',
    log: null,
    source: null,
    recordTsMs: null,
    schemaId: null,
    contractId: null,
    errors: [
      {
        code: 'GATE',
        field: columnsOf(finding.expectation)[0] ?? null,
        rule: labelOf(finding.expectation),
        message: describeFinding(finding),
      },
    ],
    record: shownRow(row, facts.hidden),
    raw: null,
    key: null,
    headers: [],
    sealed: false,
    quarantinedAtMs: facts.nowMs,
  }
}

/** A row as people may see it. */
export function shownRow(row: EngineRow, hidden: PrivateColumns | null): JsonValue {
  const plain = plainRow(row)
  return hidden === null ? maskAll(plain) : maskRow(plain, hidden)
}

/** All of the row where nothing says what makes it the same over time. */
function keyTexts(row: EngineRow, key: readonly string[]): string[] {
  const plain = plainRow(row)
  const names = key.length > 0 ? key : Object.keys(plain)
  return names.map((name) => JSON.stringify(plain[name] ?? null))
}
