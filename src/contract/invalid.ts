import { SluiceError } from '../domain/errors.ts'

/** Where in a contract something stands, for messages. */
export interface ContractPlace {
  readonly subject: string
  /** Dotted path of the field; empty for the contract as a whole. */
  readonly path: string
}

export function invalidContract(place: ContractPlace, message: string, cause?: unknown): SluiceError {
  const at = place.path === '' ? `contract ${place.subject}` : `contract ${place.subject}, field ${place.path}`
  return new SluiceError('CONTRACT_INVALID', `${at}: ${message}`, {
    where: { subject: place.subject, ...(place.path === '' ? {} : { key: place.path }) },
    ...(cause === undefined ? {} : { cause }),
  })
}

export function childPath(path: string, name: string): string {
  return path === '' ? name : name === '[]' ? `${path}[]` : `${path}.${name}`
}
