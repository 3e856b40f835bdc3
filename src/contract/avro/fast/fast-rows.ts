import { endianness } from 'node:os'
import type { RecordBatch } from '../../../domain/record-batch.ts'
import type { ColumnBuilder, ValidityBuilder } from '../../columns/builder.ts'
import { BytesBuilder } from '../../columns/bytes-builder.ts'
import { isUtf8Span } from '../../columns/text-bytes.ts'
import type { Stretch } from '../../reading/body-reader.ts'
import type { RowState } from '../../reading/row-state.ts'
import { compileColumnRules, type ColumnRules, type TextTest } from '../../rules/column-rules.ts'
import type { RuleCheck } from '../../rules/check-rules.ts'
import { AvroCursor, DecodeFault } from '../read/cursor.ts'
import type { FieldStep } from '../read/resolve.ts'
import { UUID } from '../read/scalar-decoders.ts'
import type { AvroRecord } from '../schema.ts'
import type { FieldRules } from '../../../domain/contract.ts'
import { limitWords } from './decimal-bytes.ts'
import { CALL_RECORDS, compileRows, type Admit, type RowPlan, type RowRun, type RowStep } from './row-source.ts'
import { planValue, type ValueCode } from './value-code.ts'

export interface FastOptions {
  readonly reader: AvroRecord
  readonly builders: readonly ColumnBuilder[]
  /** Of each column: the contract's rules, and those that suites add. */
  readonly rules: readonly (readonly FieldRules[])[]
  /** Of each column, what a plain decoder's value is held to. */
  readonly checks: readonly (readonly RuleCheck[])[]
  readonly row: RowState
}

/** Reads records of one writer at a stretch; returns the first that it did not take. */
export type FastRows = (schemaId: number, stretch: Stretch) => number

/**
 * The fast way for one pair of schemas: takes a record only where it surely follows the writer's schema and keeps every
 * rule, and leaves no trace of any other; the plain way then judges that one, and tells why. Null where the machine
 * is big-endian: columns are written by halves of words.
 */
export function createFastRows(steps: readonly FieldStep[], options: FastOptions): FastRows | null {
  if (endianness() !== 'LE') return null
  const { builders } = options
  const rules = builders.map((builder, i) => compileColumnRules(options.rules[i] ?? [], builder))
  const rowSteps = steps.map((step): RowStep => {
    const value =
      step.written === null || step.index < 0
        ? null
        : planValue(step.written, options.reader.fields[step.index]!.type, builders[step.index]!)
    return value === null
      ? { kind: 'plain', decode: step.decode }
      : { kind: 'fast', column: step.index, code: { value, rules: rules[step.index]! } }
  })
  const program = compileRows(rowSteps)
  const fast = rowSteps.flatMap((step) => (step.kind === 'fast' ? [step.column] : []))
  const written = fast.map((column) => builders[column] as ValidityBuilder)
  const codes = builders.map((_, column): ValueCode | null => {
    const step = rowSteps.find((each) => each.kind === 'fast' && each.column === column)
    return step?.kind === 'fast' ? step.code.value.code : null
  })
  const plan = planOf({ rowSteps, rules, codes }, options)
  let rescued: BytesBuilder | null = null
  const accept = (): void => {
    const text = options.row.rescuedText()
    if (text === null) rescued!.appendNull()
    else rescued!.appendText(text)
  }
  const whole: RowPlan = { ...plan, accept }
  const allFast = rowSteps.every(({ kind }) => kind === 'fast')
  const take = (run: RowRun): void => {
    try {
      let from = run.at
      program.run(whole, run)
      while (run.at - from === CALL_RECORDS) {
        from = run.at
        program.run(whole, run)
      }
    } catch (error) {
      if (!(error instanceof DecodeFault)) throw error
    }
  }

  let ground: Ground | null = null
  return (schemaId, stretch) => {
    const { batch, from, passed } = stretch
    rescued = stretch.rescued
    for (const ids of plan.symbols) ids?.fill(-1)
    if (ground?.batch !== batch) {
      ground = groundOf(batch, program.slack)
      for (const builder of written) builder.reserve(batch.count)
    }
    const stop = Math.max(from, ground.stop)
    let run: RowRun = { ...ground, schemaId, rows: stretch.rows, base: 0, at: from, stop, passed, gaveUp: -1 }
    if (stop > from) take(run)
    if (run.at === stop && stop < batch.count) {
      run = runOverCopy({ ...stretch, from: stop, passed: run.passed }, schemaId, program.slack)
      take(run)
    }
    for (const builder of written) builder.settle(run.passed)
    for (const builder of builders) builder.truncate(run.passed)
    if (allFast) rescued.appendNulls(run.passed - passed)
    stretch.passed = run.passed
    stretch.gaveUp = allFast ? run.gaveUp : -1
    return run.base + run.at
  }
}

/** A batch as its records are read in place: those before `stop`, which have enough bytes behind them. */
interface Ground extends Pick<RowRun, 'bytes' | 'view' | 'starts' | 'ends' | 'stop'> {
  readonly batch: RecordBatch
}

function groundOf(batch: RecordBatch, slack: number): Ground {
  const { bytes: all, valueStarts: starts, valueEnds: ends, count } = batch
  const bytes = new Uint8Array(all.buffer, all.byteOffset, all.length)
  const view = new DataView(all.buffer, all.byteOffset, all.length)
  let stop = 0
  while (stop < count && ends[stop]! + slack <= all.length) stop += 1
  return { batch, bytes, view, starts, ends, stop }
}

/** The other records of a batch, in a copy that has the bytes behind them. */
function runOverCopy({ batch, from, rows, passed }: Stretch, schemaId: number, slack: number): RowRun {
  const { bytes: all, valueStarts, valueEnds, count } = batch
  const first = valueStarts
    .subarray(from, count)
    .reduce((least, start) => (start < 0 ? least : Math.min(least, start)), all.length)
  const bytes = new Uint8Array(all.length - first + slack)
  bytes.set(all.subarray(first))
  const view = new DataView(bytes.buffer)
  const starts = valueStarts.slice(from, count).map((start) => (start < 0 ? start : start - first))
  const ends = valueEnds.slice(from, count).map((end) => end - first)
  return { bytes, view, starts, ends, schemaId, base: from, rows, at: 0, stop: count - from, passed, gaveUp: -1 }
}

interface Parts {
  readonly rowSteps: readonly RowStep[]
  readonly rules: readonly ColumnRules[]
  readonly codes: readonly (ValueCode | null)[]
}

function planOf({ rowSteps, rules, codes }: Parts, { builders, checks, row }: FastOptions): Omit<RowPlan, 'accept'> {
  const texts = rules.map(({ text }, i) => {
    const code = codes[i]
    return code?.kind === 'text' && code.uuid ? bothOf(isUuid, text) : text
  })
  const fast = new Set(rowSteps.flatMap((step) => (step.kind === 'fast' ? [step.column] : [])))
  const plainChecks = checks.flatMap((list, column) => (fast.has(column) ? [] : list))
  return {
    columns: builders,
    decodes: rowSteps.map((step) => (step.kind === 'plain' ? step.decode : undefined)),
    others: rules.map(({ others }) => others),
    texts,
    admits: codes.map((code, i) => admitOf(code, builders[i]!, texts[i]!)),
    symbols: codes.map((code) => (code?.kind === 'symbol' ? new Int32Array(code.symbols.length) : undefined)),
    limits: codes.map((code, i) =>
      code?.kind === 'decimal128' ? limitWords(rules[i]!.low!, rules[i]!.high!) : undefined,
    ),
    cursor: new AvroCursor(),
    begin: () => row.reset(),
    holds(index) {
      for (const check of plainChecks) check(index, row.breaches)
      return row.breaches.count === 0
    },
  }
}

/** Judges a value once, and puts it into the column's dictionary. */
function admitOf(code: ValueCode | null, builder: ColumnBuilder, test: TextTest | null): Admit | undefined {
  if (!(builder instanceof BytesBuilder)) return undefined
  const add = (bytes: Uint8Array, start: number, end: number, row: number): number => {
    const id = builder.dictionary?.add(bytes, start, end, row) ?? -1
    if (id >= 0) builder.dictionary!.markChecked(id)
    else builder.spread(row)
    return id < 0 ? -2 : id
  }
  if (code?.kind === 'text') {
    let seen: DataView | null = null
    let bytes = new Uint8Array(0)
    return (view: DataView, start: number, end: number, row: number): number => {
      if (view !== seen) {
        bytes = new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength)
        seen = view
      }
      const passes = isUtf8Span(bytes, view, start, end) && (test === null || test(bytes, start, end))
      return passes ? add(bytes, start, end, row) : -1
    }
  }
  if (code?.kind !== 'symbol') return undefined
  const allowed = code.symbols.map((symbol) => test === null || test(symbol, 0, symbol.length))
  return (index: number, row: number): number => {
    const symbol = code.symbols[index]!
    if (!allowed[index]!) return -1
    if (builder.dictionary !== null) return add(symbol, 0, symbol.length, row)
    const end = builder.offsets[row]!
    builder.room(end + symbol.length).set(symbol, end)
    builder.offsets[row + 1] = end + symbol.length
    return 0
  }
}

function isUuid(bytes: Uint8Array, start: number, end: number): boolean {
  return UUID.test(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1'))
}

function bothOf(first: TextTest, second: TextTest | null): TextTest {
  return second === null ? first : (bytes, start, end) => first(bytes, start, end) && second(bytes, start, end)
}
