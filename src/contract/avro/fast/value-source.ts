import { NON_ASCII } from '../../columns/text-bytes.ts'
import type { Bound } from '../../rules/scalar-rules.ts'
import type { ColumnRules } from '../../rules/column-rules.ts'
import type { ValueCode, WrittenValue } from './value-code.ts'

/**
 * The statements that read one field. Names in them are ours and end in the field's number; whatever else stands in
 * them is a number (a bound, a count, an index): nothing of a schema's text reaches the source.
 *
 * Beside the variables of `row-source`: `at` the place in `bytes`, `end` of the record, `n` the row; `give up` is the
 * statement that leaves the record to the plain decoder. Reads past `end` are seen at the record's end, and stay within
 * the slack that the caller keeps behind every record.
 */
export interface FieldPlace {
  /** Of the column, and of all that belongs to it in the plan's arrays. */
  readonly field: number
  readonly giveUp: string
}

export interface FieldCode {
  readonly value: WrittenValue
  readonly rules: ColumnRules
}

/** Bytes that a field may read before what it read is checked against the end of the record. */
export const FIELD_SLACK = 32

/** Declares what a field's statements use. */
export function declareField({ value: { code } }: FieldCode, { field: f }: FieldPlace): string {
  const head = `const c${f} = columns[${f}], v${f} = c${f}.valid;`
  switch (code.kind) {
    case 'int64':
    case 'decimal64':
      return `${head} const w${f} = c${f}.words;`
    case 'decimal128':
      return `${head} const d${f} = c${f}.data, w${f} = c${f}.view;`
    case 'text':
    case 'symbol':
    case 'binary':
      return `${head} let u${f} = c${f}.dictionary, i${f} = c${f}.ids, d${f} = c${f}.data, w${f} = c${f}.view, o${f} = c${f}.offsets;${
        code.kind === 'symbol' ? ` const s${f} = symbols[${f}];` : ''
      }`
    default:
      return `${head} const d${f} = c${f}.data;`
  }
}

export function readField(field: FieldCode, place: FieldPlace): string {
  const { value, rules } = field
  const { field: f, giveUp } = place
  const read = [
    readValue(value.code, rules, place),
    `v${f}[n] = 1;`,
    ...rules.others.map((_, i) => `if (!others[${f}][${i}](n)) ${giveUp};`),
  ].join('\n')
  if (value.branches === null) return read
  const { value: present, empty } = value.branches
  const none = rules.required ? `${giveUp};` : `v${f}[n] = 0; ${zero(value.code, f)}`
  return `y = bytes[at++];
if (y === ${present}) {
${read}
} else if (y === ${empty}) { ${none} } else ${giveUp};`
}

function zero({ kind }: ValueCode, f: number): string {
  switch (kind) {
    case 'int64':
    case 'decimal64':
      return `w${f}[2 * n] = 0; w${f}[2 * n + 1] = 0;`
    case 'decimal128':
      return `d${f}.fill(0, n * 16, n * 16 + 16);`
    case 'text':
    case 'symbol':
    case 'binary':
      return `if (u${f} !== null) i${f}[n] = 0; else o${f}[n + 1] = o${f}[n];`
    default:
      return `d${f}[n] = 0;`
  }
}

function readValue(code: ValueCode, rules: ColumnRules, place: FieldPlace): string {
  const { field: f, giveUp } = place
  switch (code.kind) {
    case 'boolean':
      return `y = bytes[at++]; if (y > 1) ${giveUp}; d${f}[n] = y;`
    case 'int32':
      return `${readInt(giveUp)}\n${checkInt32(rules, giveUp)}\nd${f}[n] = l;`
    case 'float32':
    case 'float64':
      return readFloat(code.kind, rules, place)
    case 'int64':
      return `${code.from === 'int' ? `${readInt(giveUp)}\nh = l >> 31;` : readLong(giveUp)}
${code.times === 1 ? '' : TIMES_1000(giveUp)}
${checkInt64(rules, giveUp)}
w${f}[2 * n] = l; w${f}[2 * n + 1] = h;`
    case 'decimal64':
      return `${decimalSize(code.size, 8, giveUp)}
${READ_DECIMAL64}
${checkInt64(rules, giveUp)}
w${f}[2 * n] = l; w${f}[2 * n + 1] = h; at = to;`
    case 'decimal128':
      return `${decimalSize(code.size, 16, giveUp)}
kit.copyDecimal(bytes, at, to, d${f}, n * 16);
if (!kit.isWithin(w${f}, n * 16, limits[${f}])) ${giveUp};
at = to;`
    case 'text':
      return readText(rules, place)
    case 'symbol':
      return readSymbol(code.symbols.length, place)
    case 'binary':
      return `${code.size === null ? readSize(giveUp) : `x = ${code.size};`}
to = at + x; if (to > end) ${giveUp};
${makeRoom(f)}
kit.copySpan(view, at, w${f}, e, x);
o${f}[n + 1] = e + x; at = to;`
  }
}

/** Four groups of seven bits that stand in four bytes, the lowest first. */
const SQUEEZED = 'x & 127 | x >>> 1 & 16256 | x >>> 2 & 2080768 | x >>> 3 & 266338304'

/**
 * Takes from `x`, four bytes of a varint, what is the varint's, as a number, and moves on by all but one of them; `y` is
 * where it ends, and must not be 0. No branch on how many there are: lengths and numbers of every size come in turn, and
 * what seldom runs would be compiled anew once it does.
 */
const TAKE_WORD = `q = 31 - Math.clz32(y & -y); x &= (256 << q) - 1; x = ${SQUEEZED}; at += q >> 3;`

/** The next four bytes in `x`; of those that end a varint the lowest bit in `y`. */
function readWord(place: string): string {
  return `x = view.getInt32(${place}, true); y = (~x & ${NON_ASCII}) >>> 7;`
}

/** Zigzag varint of 32 bits into `l`. */
function readInt(giveUp: string): string {
  return `l = bytes[at++];
if (l > 127) { ${readWord('at - 1')}
if (y !== 0) { ${TAKE_WORD} l = x; }
else { y = bytes[at + 3]; if (y > 15) ${giveUp}; l = ${SQUEEZED} | y << 28; at += 4; } }
l = l >>> 1 ^ -(l & 1);`
}

/** Zigzag varint of 64 bits into `l` and `h`, the low and the high half: 28 bits, 28 bits and 8. */
function readLong(giveUp: string): string {
  return `l = bytes[at++]; h = 0;
if (l > 127) { ${readWord('at - 1')}
if (y !== 0) { ${TAKE_WORD} l = x; }
else { l = ${SQUEEZED}; ${readWord('at + 3')}
if (y !== 0) { ${TAKE_WORD} at += 4; }
else { x = ${SQUEEZED}; y = bytes[at + 7]; at += 8;
if (y > 127) { q = bytes[at++]; if (q > 1) ${giveUp}; y = y & 127 | q << 7; }
h = y << 24; }
h |= x >>> 4; l |= x << 28; } }
y = -(l & 1); l = (l >>> 1 | h << 31) ^ y; h = h >>> 1 ^ y;`
}

/** Exact below 2^53; a time past the year 2255 is left to the plain decoder. */
function TIMES_1000(giveUp: string): string {
  return `z = (h * 4294967296 + (l >>> 0)) * 1000;
if (z > 9007199254740991 || z < -9007199254740991) ${giveUp};
h = Math.floor(z / 4294967296); l = z - h * 4294967296 | 0;`
}

/** A length in `x`, of at most four bytes: what is longer cannot lie in a record, or is the plain decoder's. */
function readSize(giveUp: string): string {
  return `x = bytes[at++];
if (x > 127) { ${readWord('at - 1')} if (y === 0) ${giveUp}; ${TAKE_WORD} }
if (x & 1) ${giveUp};
x >>>= 1;`
}

/** The value's bytes are `[at, to)`, at most `most` of them that matter: longer ones only repeat the sign. */
function decimalSize(size: number | null, most: number, giveUp: string): string {
  if (size === null) {
    return `y = bytes[at++]; if (y & 1 || y > ${most * 2}) ${giveUp};
x = y >> 1; to = at + x; if (to > end) ${giveUp};`
  }
  const skipped = size - most
  return `x = ${Math.min(size, most)}; to = at + ${size}; if (to > end) ${giveUp};${
    skipped > 0
      ? `
y = view.getInt8(at + ${skipped}) >> 7;
for (q = at; q < at + ${skipped}; q++) if (view.getInt8(q) !== y) ${giveUp};
at += ${skipped};`
      : ''
  }`
}

/** Big-endian two's complement of `x` bytes: an arithmetic shift brings the sign down. */
const READ_DECIMAL64 = `if (x < 5) { l = x === 0 ? 0 : view.getInt32(at) >> 32 - 8 * x; h = l >> 31; }
else { h = view.getInt32(at) >> 64 - 8 * x; l = view.getInt32(to - 4); }`

function checkInt32({ low, high }: ColumnRules, giveUp: string): string {
  const checks: string[] = []
  if (low !== null && low > -0x80000000n) checks.push(low > 0x7fffffffn ? 'true' : `l < ${low}`)
  if (high !== null && high < 0x7fffffffn) checks.push(high < -0x80000000n ? 'true' : `l > ${high}`)
  return checks.length === 0 ? '' : `if (${checks.join(' || ')}) ${giveUp};`
}

function checkInt64({ low, high }: ColumnRules, giveUp: string): string {
  const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n]
  const checks: string[] = []
  const halves = (value: bigint): { h: bigint; l: bigint } => ({ h: value >> 32n, l: value & 0xffffffffn })
  if (low !== null && low > least) {
    const { h, l } = halves(low)
    checks.push(low > most ? 'true' : `h < ${h} || h === ${h} && l >>> 0 < ${l}`)
  }
  if (high !== null && high < most) {
    const { h, l } = halves(high)
    checks.push(high < least ? 'true' : `h > ${h} || h === ${h} && l >>> 0 > ${l}`)
  }
  return checks.length === 0 ? '' : `if (${checks.join(' || ')}) ${giveUp};`
}

const HOLDS: Readonly<Record<Bound, string>> = {
  minimum: '>=',
  exclusiveMinimum: '>',
  maximum: '<=',
  exclusiveMaximum: '<',
}

function readFloat(kind: 'float32' | 'float64', { bounds }: ColumnRules, { field: f, giveUp }: FieldPlace): string {
  const [read, size] = kind === 'float32' ? ['getFloat32', 4] : ['getFloat64', 8]
  const checks = bounds.map(({ word, limit }) => `if (!(z ${HOLDS[word]} ${limit})) ${giveUp};`)
  return `z = view.${read}(at, true); at += ${size};\n${checks.join('\n')}\nd${f}[n] = z;`
}

function makeRoom(f: number): string {
  return `e = o${f}[n]; if (e + x + 4 > d${f}.length) { d${f} = c${f}.room(e + x); w${f} = c${f}.view; }`
}

/** What a value that is not yet in the dictionary leads to: refused (-1), no dictionary any more (-2), or its entry. */
function admit(f: number, call: string, giveUp: string): string {
  return `q = ${call};
if (q < 0) { if (q === -1) ${giveUp}; u${f} = null; d${f} = c${f}.data; w${f} = c${f}.view; o${f} = c${f}.offsets; }`
}

function readText({ text }: ColumnRules, { field: f, giveUp }: FieldPlace): string {
  return `${readSize(giveUp)}
to = at + x; if (to > end) ${giveUp};
if (u${f} !== null) {
q = u${f}.findChecked(view, at, x);
if (q < 0) { ${admit(f, `admits[${f}](view, at, to, n)`, giveUp)} }
if (q >= 0) i${f}[n] = q;
}
if (u${f} === null) {
${makeRoom(f)}
if (kit.copySpan(view, at, w${f}, e, x) & ${NON_ASCII} && !kit.isUtf8Span(bytes, view, at, to)) ${giveUp};
${text === null ? '' : `if (!texts[${f}](bytes, at, to)) ${giveUp};`}
o${f}[n + 1] = e + x;
}
at = to;`
}

function readSymbol(count: number, { field: f, giveUp }: FieldPlace): string {
  return `${readSize(giveUp)}
if (x >= ${count}) ${giveUp};
if (u${f} !== null) {
q = s${f}[x];
if (q < 0) { ${admit(f, `admits[${f}](x, n)`, giveUp)} if (q >= 0) s${f}[x] = q; }
if (q >= 0) i${f}[n] = q;
}
if (u${f} === null) {
q = admits[${f}](x, n); if (q === -1) ${giveUp};
d${f} = c${f}.data; o${f} = c${f}.offsets;
}`
}
