import { SluiceError } from '../../domain/errors.ts'

/** One error that names every reason. */
export function incompatible(
  subject: string,
  version: number,
  reasons: readonly { readonly field: string | null; readonly message: string }[],
): SluiceError {
  const listed = reasons.map(({ field, message }) => (field === null ? message : `${field}: ${message}`)).join('; ')
  return new SluiceError('CONTRACT_INCOMPATIBLE', `${subject} is incompatible with version ${version}: ${listed}`, {
    where: { subject, version },
  })
}
