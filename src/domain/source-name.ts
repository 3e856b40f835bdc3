import { SluiceError } from './errors.ts'
import { suggestion } from './nearest-word.ts'
import { plainNames } from './plain-names.ts'

/**
 * Names that settings give to things of a foreign database (I14). They are wider than ours: a space, a dollar or a
 * letter of any script, but nothing that ends a quoted name or begins a comment.
 */
const SQL_NAME = /^[\p{L}_][\p{L}\p{M}\p{N}_$#@ -]{0,126}$/u

/** Throws IDENTIFIER_INVALID. What passes is still quoted wherever it goes into SQL. */
export function checkSqlName(name: string, what: string): string {
  if (SQL_NAME.test(name) && !name.includes('--') && !name.endsWith(' ')) return name
  throw new SluiceError(
    'IDENTIFIER_INVALID',
    `${what} ${JSON.stringify(name)} may hold only letters, digits, spaces, "_", "$", "#", "@" and "-", and begins with a letter`,
  )
}

/** `SHOP.PUBLIC.ORDERS` → its parts, one to three; a part with a dot in it stands in double quotes. */
export function parseTablePath(text: string, what: string): readonly string[] {
  const parts: string[] = []
  let rest = text
  for (;;) {
    const match = /^(?:"([^"]*)"|([^".]+))(?:\.|$)/u.exec(rest)
    if (match === null) break
    parts.push(checkSqlName(match[1] ?? match[2]!, what))
    rest = rest.slice(match[0].length)
    if (rest === '' && !match[0].endsWith('.') && parts.length <= 3) return parts
  }
  throw new SluiceError(
    'IDENTIFIER_INVALID',
    `${what} ${JSON.stringify(text)} is no table such as orders or shop.orders`,
  )
}

/** A thing of the catalogue, under the name that it has there and the one that its values travel under. */
export interface Named {
  readonly name: string
  readonly travels: string
}

/**
 * What columns travel under: their own names where a contract takes them, else plain ones (`Zweiter Name` as
 * zweiter_name), each once.
 */
export function travelNames(names: readonly string[]): readonly string[] {
  const plain = plainNames(names)
  return names.map((name, at) => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : plain[at]!))
}

/** By its exact name, else by the only one that differs in case alone; null where there is none, or several. */
export function findNamed<T extends Named>(all: readonly T[], wanted: string): T | null {
  const exact = all.find(({ name }) => name === wanted) ?? all.find(({ travels }) => travels === wanted)
  if (exact !== undefined) return exact
  const folded = all.filter(({ name }) => name.toLowerCase() === wanted.toLowerCase())
  return folded.length === 1 ? folded[0]! : null
}

export function nearestNamed(all: readonly Named[], wanted: string): string {
  return suggestion(
    wanted,
    all.map(({ travels }) => travels),
  )
}
