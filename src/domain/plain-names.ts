import { RESERVED_WORDS } from './sql-words.ts'

const PLAIN = /^[A-Za-z][A-Za-z0-9_]{0,120}$/

/**
 * Names of a source's columns as a contract and SQL take them: letters, digits and `_`, no word of SQL, each once
 * whatever the case. A name that is plain already stays as it is. Pure: the same names always come out alike.
 */
export function plainNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>()
  return names.map((name) => {
    const plain = plainName(name)
    let unique = plain
    for (let n = 2; taken.has(unique.toLowerCase()); n += 1) unique = `${plain}_${n}`
    taken.add(unique.toLowerCase())
    return unique
  })
}

function plainName(name: string): string {
  if (PLAIN.test(name)) return RESERVED_WORDS.has(name.toLowerCase()) ? `${name}_` : name
  const words = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .toLowerCase()
    .slice(0, 120)
  if (words === '') return 'unnamed'
  const lettered = /^[a-z]/.test(words) ? words : `c_${words}`
  return RESERVED_WORDS.has(lettered) ? `${lettered}_` : lettered
}
