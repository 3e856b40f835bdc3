import type { Column, ColumnBatch } from '../domain/column-batch.ts'
import { landingColumn, type Contract, type UnknownFieldMode } from '../domain/contract.ts'
import type { ColumnField } from '../domain/column-batch.ts'
import type { JsonValue, RuleBreach } from '../domain/dead-letter.ts'
import { SluiceError } from '../domain/errors.ts'
import { JsonBytes } from '../domain/json-bytes.ts'
import type { Expectation } from '../domain/expectation.ts'
import { recordKey, type RecordBatch } from '../domain/record-batch.ts'
import type { RegisteredSchema } from '../ports/schema-registry.ts'
import { createAvroReader } from './avro/read/reader.ts'
import type { ColumnBuilder } from './columns/builder.ts'
import { copyInto, OWN_ROOM, type ColumnRoom } from '../domain/column-room.ts'
import { hashColumn } from './columns/hash-column.ts'
import { createBuilder } from './columns/nested-builders.ts'
import { BytesBuilder } from './columns/bytes-builder.ts'
import type { Body, BodyReader } from './reading/body-reader.ts'
import { createJsonReader } from './json/read/reader.ts'
import { invalidContract } from './invalid.ts'
import { parseContract } from './parse-contract.ts'
import { suiteRules } from './suite-rules.ts'
import { compileRuleCheck, type RuleCheck } from './rules/check-rules.ts'
import { PrivateNames } from './privacy/private-names.ts'
import { RowState } from './reading/row-state.ts'
import { createTombstoneWriter } from './reading/tombstone.ts'
import { HEADER_BYTES, schemaIdAt } from './wire.ts'

export interface JudgeOptions {
  readonly schema: RegisteredSchema
  readonly mode: UnknownFieldMode
  /** Columns that a tombstone's key fills. */
  readonly keyColumns: readonly string[]
  /**
   * Mode evolve: columns that the table already has beyond the contract's. A value that its column cannot hold is
   * rescued, so that a table does not depend on which type came first in a batch.
   */
  readonly evolved?: readonly ColumnField[]
  /** Expectations that each record alone keeps or breaks, held beside the contract's own rules. */
  readonly recordRules?: readonly Expectation[]
  /** What fields with `on_ingest: hash` are hashed under. Without it a contract that has such fields is refused. */
  readonly hashKey?: string | null
}

export interface Judge {
  readonly contract: Contract
  /**
   * Pure. Never throws for what a record holds; a writer id that `writers` lacks is the caller's mistake (BUG).
   */
  judge(batch: RecordBatch, writers: ReadonlyMap<number, RegisteredSchema>, options?: JudgeRun): Judgement
}

export interface JudgeRun {
  /** Where columns lie; else in buffers of their own. */
  readonly room?: ColumnRoom
  /** Takes each refusal as soon as it is known, in order; `refusals` then stays empty. The record's JSON is good until the call returns. */
  readonly tell?: (refusal: UnshownRefusal, recordJson: Uint8Array) => void
}

export interface Judgement {
  /** Indexes in the batch of the records that passed, ascending. */
  readonly rows: Int32Array
  /** The contract's landing fields in order, then those that mode evolve adds. */
  readonly columns: ColumnBatch
  /** JSON text of what the contract does not know, or null. */
  readonly rescued: Column
  /** The writer's schema id a row; 0 for a tombstone. */
  readonly schemaIds: Int32Array
  /** 1 = tombstone; null where there is none. */
  readonly ops: Uint8Array | null
  readonly refusals: readonly Refusal[]
}

export interface Refusal {
  readonly index: number
  /** Null where the bytes name none. */
  readonly schemaId: number | null
  /** Every rule that the record broke. */
  readonly errors: readonly RuleBreach[]
  /** Decoded where it can be, PII masked. */
  readonly record: JsonValue
}

/** A refusal whose record stands beside it as JSON. */
export type UnshownRefusal = Omit<Refusal, 'record'>

/** A record's body, and who wrote it. */
interface Written {
  readonly writer: RegisteredSchema
  readonly body: Body
}

export function createJudge({
  schema,
  mode,
  keyColumns,
  recordRules = [],
  evolved = [],
  hashKey = null,
}: JudgeOptions): Judge {
  const contract = parseContract(schema)
  const privateNames = new PrivateNames(contract)
  const row = new RowState(mode, privateNames)
  const builders = contract.fields.map((field) => createBuilder(field.column.type))
  for (const builder of builders)
    if (builder instanceof BytesBuilder && builder.type.kind === 'string') builder.intern()
  const added = suiteRules(recordRules, contract.fields)
  const rules = contract.fields.map((field) => [
    // A JSON Schema's own rules are the validator's.
    ...(contract.format === 'avro' ? [field.rules] : []),
    ...added.filter((each) => each.field === field).map((each) => each.rules),
  ])
  const columnChecks = contract.fields.map((field, i) =>
    rules[i]!.map((each) => compileRuleCheck({ ...field, rules: each }, builders[i]!)).filter(
      (check) => check !== null,
    ),
  )
  const checks = columnChecks.flat()
  const checksOf = new WeakMap<readonly number[], readonly RuleCheck[]>()
  const checkColumns = (columns: readonly number[], at: number): void => {
    let list = checksOf.get(columns)
    if (list === undefined) checksOf.set(columns, (list = columns.flatMap((column) => columnChecks[column]!)))
    for (const check of list) check(at, row.breaches)
  }
  const options = { contract, mode, builders, row, evolved, privateNames, rules, checks: columnChecks }
  const reader: BodyReader = contract.format === 'avro' ? createAvroReader(options) : createJsonReader(options)
  const tombstone = createTombstoneWriter({ contract, builders, keyColumns, row })
  const landing = landingColumns(contract, builders, hashKey)
  for (const name of keyColumns) {
    if (!contract.fields.some((field) => field.column.name === name)) {
      throw invalidContract(
        { subject: contract.subject, path: name },
        'the key names a column that the contract does not have',
      )
    }
  }

  const rescued = new BytesBuilder({ kind: 'string' })
  /** The record of the last refusal that was told. */
  const shown = new JsonBytes()
  let rows = new Int32Array(0)
  let schemaIds = new Int32Array(0)
  return {
    contract,
    judge(batch, writers, { room = OWN_ROOM, tell } = {}) {
      for (const builder of [...builders, rescued]) builder.truncate(0)
      reader.begin()
      rescued.reserve(batch.count)
      if (rows.length < batch.count) {
        rows = new Int32Array(batch.count)
        schemaIds = new Int32Array(batch.count)
      }
      const tombstones: number[] = []
      const refusals: Refusal[] = []
      let passed = 0
      let gaveUp = -1

      const refuse = (index: number, schemaId: number | null, written: Written | null): void => {
        for (const builder of builders) builder.truncate(passed)
        reader.truncate(passed)
        const errors = row.breaches.take()
        if (tell === undefined) {
          const record = written === null ? null : reader.show(written.writer, written.body)
          refusals.push({ index, schemaId, errors, record })
          return
        }
        shown.clear()
        if (written === null) shown.text('null')
        else reader.showInto(shown, written.writer, written.body)
        tell({ index, schemaId, errors }, shown.view())
      }
      const accept = (index: number, schemaId: number): void => {
        const text = row.rescuedText()
        if (text === null) rescued.appendNull()
        else rescued.appendText(text)
        rows[passed] = index
        schemaIds[passed] = schemaId
        passed += 1
      }
      const judgeTombstone = (index: number): void => {
        tombstone(recordKey(batch, index))
        reader.appendNulls()
        if (row.breaches.count > 0) return refuse(index, null, null)
        tombstones.push(passed)
        return accept(index, 0)
      }
      const bodyAt = (index: number): Body => ({
        bytes: batch.bytes,
        start: batch.valueStarts[index]! + HEADER_BYTES,
        end: batch.valueEnds[index]!,
      })
      /** Of a record that a stretch gave up. False where it passes after all, with nothing left of it. */
      const refuseRest = (writer: RegisteredSchema, index: number, gaveUp: number): boolean => {
        const body = bodyAt(index)
        const columns = reader.readRest!(writer, body, gaveUp)
        if (columns !== null) checkColumns(columns, passed)
        const isBroken = row.breaches.count > 0
        if (isBroken) refuse(index, writer.id, { writer, body })
        else for (const builder of builders) builder.truncate(passed)
        return isBroken
      }
      const judgeValue = (writer: RegisteredSchema, index: number): void => {
        const body = bodyAt(index)
        if (reader.read(writer, body)) for (const check of checks) check(passed, row.breaches)
        if (row.breaches.count > 0) refuse(index, writer.id, { writer, body })
        else accept(index, writer.id)
      }
      /** The first record from `from` on that was not taken at a stretch. */
      const takeStretch = (writer: RegisteredSchema, from: number): number => {
        const stretch = { batch, from, rows, rescued, passed, gaveUp: -1 }
        const next = reader.readStretch?.(writer, stretch) ?? from
        schemaIds.fill(writer.id, passed, stretch.passed)
        passed = stretch.passed
        gaveUp = stretch.gaveUp
        return next
      }

      for (let index = 0; index < batch.count; index += 1) {
        row.reset()
        const start = batch.valueStarts[index]!
        if (start < 0) {
          judgeTombstone(index)
          continue
        }
        const schemaId = schemaIdAt(batch.bytes, start, batch.valueEnds[index]!)
        if (schemaId < 0) {
          row.breaches.add(noHeader(batch.valueEnds[index]! - start))
          refuse(index, null, null)
          continue
        }
        const writer = writers.get(schemaId)
        if (writer === undefined)
          throw new SluiceError('BUG', `schema id ${schemaId} was not resolved before judging`, {
            where: { topic: batch.topic, partition: batch.partition },
          })
        const next = takeStretch(writer, index)
        // What ended the stretch is judged at once where it is of the same writer, else in its turn.
        if (next > index && (next === batch.count || !writtenBy(schemaId, batch, next))) index = next - 1
        else {
          index = next
          row.reset()
          if (gaveUp < 0 || !refuseRest(writer, index, gaveUp)) judgeValue(writer, index)
        }
      }

      const extra = reader.finish()
      const ops = tombstones.length === 0 ? null : new Uint8Array(passed)
      for (const at of tombstones) ops![at] = 1
      return {
        rows: copyInto(room, rows, passed),
        columns: {
          length: passed,
          fields: [...landing.map(({ field }) => field), ...extra.fields],
          columns: [...landing.map(({ finish }) => finish(room)), ...extra.columns],
        },
        rescued: rescued.finish(room),
        schemaIds: copyInto(room, schemaIds, passed),
        ops,
        refusals,
      }
    },
  }
}

interface LandingColumn {
  readonly field: ColumnField
  readonly finish: (room: ColumnRoom) => Column
}

/** Rules are judged on what a record holds; only then is a value dropped or hashed. */
function landingColumns(
  contract: Contract,
  builders: readonly ColumnBuilder[],
  hashKey: string | null,
): readonly LandingColumn[] {
  return contract.fields.flatMap((field, i): LandingColumn[] => {
    const builder = builders[i]!
    switch (field.onIngest) {
      case 'drop':
        return []
      case null:
        return [{ field: field.column, finish: (room) => builder.finish(room) }]
      case 'hash': {
        const { subject } = contract
        if (hashKey === null)
          throw new SluiceError(
            'HASH_KEY_MISSING',
            `contract ${subject} hashes ${field.column.name} on ingest, and privacy.hash_key is not set`,
            { where: { subject, key: 'privacy.hash_key' } },
          )
        return [{ field: landingColumn(field), finish: () => hashColumn(field, builder, hashKey) }]
      }
    }
  })
}

function writtenBy(schemaId: number, { bytes, valueStarts, valueEnds }: RecordBatch, index: number): boolean {
  return schemaIdAt(bytes, valueStarts[index]!, valueEnds[index]!) === schemaId
}

function noHeader(bytes: number): RuleBreach {
  return {
    code: 'WIRE_FORMAT',
    field: null,
    rule: 'wire',
    message: `The value (${bytes} bytes) does not begin with byte 0 and a 4-byte schema id.`,
  }
}
