import { createHash } from 'node:crypto'

/**
 * Folders of partitioned files, `column=value/…`, named as Spark and Hive name them. A convention only: readers take
 * the values from the log. A part that a file system could not hold is cut and made unique by a hash.
 */

export const NULL_PARTITION = '__HIVE_DEFAULT_PARTITION__'

// Hive's list, beside control characters.
const ESCAPED = new Set('"#%\'*/:=?\\{[]^\x7f')
const MAX_PART_BYTES = 240

/** '' for a table without partitions; else ends with a slash. */
export function partitionFolder(
  partitionColumns: readonly string[],
  values: Readonly<Record<string, string | null>>,
): string {
  return partitionColumns.map((column) => `${partName(column, values[column] ?? null)}/`).join('')
}

/** Delta has no empty partition value: an empty text is stored as null, as Spark stores it. */
export function partitionValue(value: string | null | undefined): string | null {
  return value === undefined || value === '' ? null : value
}

function partName(column: string, value: string | null): string {
  const text = value === null || value === '' ? NULL_PARTITION : escapePart(value)
  const part = `${escapePart(column)}=${text}`
  if (Buffer.byteLength(part) <= MAX_PART_BYTES) return part
  const hash = createHash('md5').update(part).digest('hex')
  return `${Array.from(part).slice(0, 48).join('')}~${hash}`
}

function escapePart(text: string): string {
  let escaped = ''
  for (const char of text) {
    const code = char.charCodeAt(0)
    const special = code < 0x20 || ESCAPED.has(char)
    escaped += special ? `%${code.toString(16).toUpperCase().padStart(2, '0')}` : char
  }
  return escaped
}
