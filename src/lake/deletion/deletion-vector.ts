import { SluiceError } from '../../domain/errors.ts'
import { decodeBase85 } from './base85.ts'

/** Where the rows that are gone from a file are told (PROTOCOL, "Deletion Vector Descriptor Schema"). */
export interface DeletionVector {
  /** `u`: a file beside the table's, `i`: in the descriptor itself, `p`: a file by its whole path. */
  readonly storageType: string
  readonly pathOrInlineDv: string
  /** Null where the log states none: 0 for a file. */
  readonly offset: number | null
  readonly sizeInBytes: number
  /** How many rows are gone. */
  readonly cardinality: number
}

const UUID_CHARS = 20

/** Tells a file with one vector from the same file with another (PROTOCOL, "Derived Fields"). */
export function vectorId({ storageType, pathOrInlineDv, offset }: DeletionVector): string {
  return `${storageType}${pathOrInlineDv}${offset === null ? '' : `@${offset}`}`
}

/**
 * The path in the table's store of the file that holds a vector; null for one that is in the log itself. A vector
 * outside the table, as a shallow clone has it, is refused by name, as a data file there is.
 */
export function vectorPath(vector: DeletionVector, tableUri: string): string | null {
  const { storageType, pathOrInlineDv: text } = vector
  switch (storageType) {
    case 'i':
      return null
    case 'u': {
      const uuid = decodeBase85(text.slice(-UUID_CHARS))
      const prefix = text.slice(0, -UUID_CHARS)
      if (uuid === null || uuid.length !== 16 || prefix.split('/').includes('..')) {
        throw unreadable(tableUri, `it is stored under no name: ${JSON.stringify(text)}`)
      }
      return `${prefix === '' ? '' : `${prefix}/`}deletion_vector_${uuidText(uuid)}.bin`
    }
    case 'p':
      return pathInside(text, tableUri)
    default:
      throw new SluiceError(
        'TABLE_UNSUPPORTED',
        `${tableUri} has a deletion vector of storage type ${JSON.stringify(storageType)}, which Sluice does not know`,
        { where: { table: tableUri, key: 'deletionVectors' } },
      )
  }
}

/** A vector that says something else than its descriptor, or that is cut off, or of another form. */
export function unreadable(tableUri: string, why: string, file?: string): SluiceError {
  return new SluiceError('TABLE_FILES_MISSING', `a deletion vector of ${tableUri} cannot be read: ${why}`, {
    where: { table: tableUri, ...(file === undefined ? {} : { file }) },
    hint: 'Rows that were deleted would come back without it: restore it from a copy of the table.',
  })
}

function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** The same place has several names: `file:/t`, `file:///t` and `/t`; `s3a://b` and `s3://b`. */
function pathInside(path: string, tableUri: string): string {
  const [at, root] = [plainUri(path), plainUri(tableUri).replace(/\/+$/, '')]
  const inside = at.startsWith(`${root}/`) ? at.slice(root.length + 1) : null
  if (inside !== null && !inside.split('/').includes('..')) return inside
  throw new SluiceError('TABLE_UNSUPPORTED', `deletion vector ${path} lies outside its table, as in a shallow clone`, {
    where: { table: tableUri, file: path },
  })
}

function plainUri(text: string): string {
  let decoded = text
  try {
    decoded = decodeURIComponent(text)
  } catch {
    // Not a URI: taken as it is.
  }
  return decoded.replace(/^file:(\/\/)?(?=\/)/, '').replace(/^s3[an]:/, 's3:')
}
