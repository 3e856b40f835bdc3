import { SluiceError, type ErrorCode } from './errors.ts'

/** What something that a source reads from answers, told of the source: our own broker or lake is not at fault. */
const CODES: Partial<Readonly<Record<ErrorCode, { readonly code: ErrorCode; readonly hint?: string }>>> = {
  LOG_UNAVAILABLE: { code: 'SOURCE_UNAVAILABLE' },
  REGISTRY_UNAVAILABLE: { code: 'SOURCE_UNAVAILABLE' },
  STORE_UNAVAILABLE: { code: 'SOURCE_UNAVAILABLE' },
  BROKER_REFUSED: { code: 'SOURCE_REFUSED' },
  REGISTRY_REFUSED: { code: 'SOURCE_REFUSED' },
  STORE_REFUSED: { code: 'SOURCE_REFUSED' },
  LOG_CORRUPT: {
    code: 'SOURCE_UNREADABLE',
    hint: 'Mend the log of the other side; what was read of it so far stands.',
  },
  FILE_CORRUPT: { code: 'SOURCE_UNREADABLE', hint: 'Put a whole file in its place.' },
  CONTRACT_INVALID: { code: 'SOURCE_UNREADABLE', hint: 'A schema of the other side cannot be read.' },
}

/** Asks something for a source; what it throws is thrown as the source's. */
export async function ofSource<T>(name: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw asSourceError(name, error)
  }
}

export function asSourceError(name: string, error: unknown): unknown {
  if (!(error instanceof SluiceError)) return error
  const told = CODES[error.code]
  if (told === undefined) return error
  const { key: _ours, ...where } = error.where
  const message = error.message.replaceAll(/\bbroker\.(tls|sasl)\b/g, `sources.${name}.$1`)
  return new SluiceError(told.code, `source ${name}: ${message}`, {
    where: { ...where, source: name },
    ...(told.hint === undefined ? {} : { hint: told.hint }),
    cause: error,
  })
}
