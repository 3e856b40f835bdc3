import type { ColumnBuilder } from '../../columns/builder.ts'
import { copySpan, isUtf8Span } from '../../columns/text-bytes.ts'
import type { TextTest } from '../../rules/column-rules.ts'
import type { AvroCursor } from '../read/cursor.ts'
import type { Decode } from '../read/target.ts'
import { copyDecimal, isWithin } from './decimal-bytes.ts'
import { declareField, FIELD_SLACK, readField, type FieldCode } from './value-source.ts'

/** One field of the writer, or one that only the reader has, in the order in which they are read. */
export type RowStep =
  | { readonly kind: 'fast'; readonly column: number; readonly code: FieldCode }
  /** By the plain decoder. */
  | { readonly kind: 'plain'; readonly decode: Decode }

/** What generated code is given; arrays are by column, but `decodes`, which is by step. */
export interface RowPlan {
  readonly columns: readonly ColumnBuilder[]
  readonly decodes: readonly (Decode | undefined)[]
  readonly others: readonly (readonly ((index: number) => boolean)[])[]
  readonly texts: readonly (TextTest | null)[]
  /** See `admit` in `value-source`. */
  readonly admits: readonly (Admit | undefined)[]
  /** The entry of each symbol of an enum, or -1. */
  readonly symbols: readonly (Int32Array | undefined)[]
  readonly limits: readonly (Int32Array | undefined)[]
  readonly cursor: AvroCursor
  readonly begin: () => void
  /** False where a rule is broken by what plain decoders read. */
  readonly holds: (row: number) => boolean
  readonly accept: () => void
}

export type Admit = (...place: never[]) => number

/** A stretch of records of one writer; `at` and `passed` move on. */
export interface RowRun {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly starts: Int32Array
  readonly ends: Int32Array
  readonly schemaId: number
  /** What is added to a record's index to make the one that is noted in `rows`. */
  readonly base: number
  readonly rows: Int32Array
  at: number
  readonly stop: number
  passed: number
  /** The step at which the record at `at` was given up; -1 where that is not known. All steps before it kept their rules. */
  gaveUp: number
}

/**
 * Records that one call reads at most. Code that was compiled meanwhile is used from the next call on; a loop that ran
 * longer would be compiled apart, for each tier once, and thrown away where it ends.
 */
export const CALL_RECORDS = 128

export interface RowProgram {
  /** Reads CALL_RECORDS records, or until one cannot be taken, or is of another writer. May throw DecodeFault. */
  readonly run: (plan: RowPlan, run: RowRun) => void
  /** Bytes that must follow every record. */
  readonly slack: number
}

/** A function of many fields is not optimised. */
const MOST_FIELDS = 40
/** What each part of it has then: of 800 columns, compiling larger ones takes 250 MB for a moment. */
const PART_FIELDS = 16
/** Programs kept; a source is compiled, and warmed, once for all judges that need the same. */
const MAX_PROGRAMS = 64

const KIT = { copySpan, isUtf8Span, copyDecimal, isWithin }

type Factory = (kit: typeof KIT) => RowProgram['run']
const programs = new Map<string, RowProgram['run']>()

/**
 * Source generated for one pair of schemas, so that a record is read without a call, a branch or an object that the
 * pair does not need. It holds nothing of the schemas but numbers (see `value-source`), so it can do no more than read.
 * Measured on 14 fields against the same steps as closures: see docs/reading.md.
 */
export function compileRows(steps: readonly RowStep[]): RowProgram {
  const source = rowSource(steps)
  let run = programs.get(source)
  if (run === undefined) {
    // oxlint-disable-next-line typescript/no-implied-eval -- the source is ours; see above
    run = (new Function('kit', source) as Factory)(KIT)
    const oldest = programs.size < MAX_PROGRAMS ? undefined : programs.keys().next().value
    if (oldest !== undefined) programs.delete(oldest)
    programs.set(source, run)
  }
  return { run, slack: (steps.length + 2) * FIELD_SLACK }
}

const TABLES = 'const { columns, decodes, others, texts, admits, symbols, limits, cursor } = plan;'
const SCRATCH = 'let x = 0, y = 0, q = 0, z = 0.5, l = 0, h = 0, e = 0, to = 0;'

function rowSource(steps: readonly RowStep[]): string {
  const fast = steps.filter((step) => step.kind === 'fast').length
  const calls = steps.some((step) => step.kind === 'plain')
  const whole = fast <= MOST_FIELDS
  const parts = whole ? [] : partsOf(steps.length)
  const read = whole
    ? readSteps(steps, 0, (step) => `{ up = ${step}; break rows; }`)
    : parts.map((_, i) => `at = part${i}(plan, bytes, view, at, end, n); if (at < 0) break rows;`).join('\n')
  return `'use strict';
${parts.map(([from, to], i) => partSource(steps.slice(from, to), from, i)).join('\n')}
return function (plan, run) {
${TABLES}
const { bytes, view, starts, ends, schemaId, base, rows } = run;
const stop = Math.min(run.stop, run.at + ${CALL_RECORDS});
let i = run.at, n = run.passed, at = 0, end = 0, start = 0, up = -1;
run.gaveUp = -1;
${SCRATCH}
${whole ? declareSteps(steps) : ''}
rows: for (; i < stop; i++) {
start = starts[i]; end = ends[i];
if (start < 0 || end - start < 5 || bytes[start] !== 0 || view.getInt32(start + 1) !== schemaId) break;
at = start + 5;
${calls ? 'run.at = i; run.passed = n; cursor.reset(bytes, at, end); plan.begin();' : ''}
${read}
if (at !== end) break;
${calls ? 'if (!plan.holds(n)) break; plan.accept();' : ''}
rows[n] = base + i; n++;
}
run.at = i; run.passed = n; run.gaveUp = up;
}`
}

function partsOf(count: number): [number, number][] {
  return Array.from({ length: Math.ceil(count / PART_FIELDS) }, (_, i) => [
    i * PART_FIELDS,
    Math.min(count, (i + 1) * PART_FIELDS),
  ])
}

function partSource(steps: readonly RowStep[], first: number, part: number): string {
  return `function part${part}(plan, bytes, view, at, end, n) {
${TABLES}
${SCRATCH}
${declareSteps(steps)}
${readSteps(steps, first, () => 'return -1')}
return at;
}`
}

function declareSteps(steps: readonly RowStep[]): string {
  return steps
    .map((step) => (step.kind === 'fast' ? declareField(step.code, { field: step.column, giveUp: '' }) : ''))
    .join('\n')
}

/** `giveUp`: the statement that leaves the record at a step. */
function readSteps(steps: readonly RowStep[], first: number, giveUp: (step: number) => string): string {
  return steps
    .map((step, i) =>
      step.kind === 'fast'
        ? readField(step.code, { field: step.column, giveUp: giveUp(first + i) })
        : `if (at > end) ${giveUp(first + i)}; cursor.at = at; decodes[${first + i}](cursor); at = cursor.at;`,
    )
    .join('\n')
}
