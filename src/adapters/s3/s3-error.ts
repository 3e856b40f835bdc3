import { classifyError, SluiceError } from '../../domain/errors.ts'

/** Replies of S3 by what they mean for us. Total: none of these throws. */

/** What no retry mends: a person changes credentials, rights, bucket or region. */
const REFUSALS: Readonly<Record<string, string>> = {
  AccessDenied: 'The credentials need s3:GetObject, PutObject, DeleteObject, ListBucket and AbortMultipartUpload here.',
  Forbidden: 'The credentials need s3:GetObject, PutObject, DeleteObject, ListBucket and AbortMultipartUpload here.',
  InvalidAccessKeyId: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, lake.profile, or lake.access_key_id.',
  SignatureDoesNotMatch: 'The secret key is not the one of this access key.',
  ExpiredToken: 'Log in again: the session token has expired.',
  InvalidToken: 'Log in again: the session token is not valid.',
  CredentialsProviderError: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, lake.profile, or lake.access_key_id.',
  NoSuchBucket: 'Make the bucket, or name another in lake.uri.',
  PermanentRedirect: 'Set lake.region to the region of the bucket.',
  AuthorizationHeaderMalformed: 'Set lake.region to the region of the bucket.',
  InvalidBucketName: 'Name a bucket that may exist.',
  KMSDisabledException: 'Enable the key that lake.kms_key_id names.',
}

/** By name, never by status alone: a server may answer 404 to a key or a bucket that it does not know, too. */
export function isAbsent(error: unknown): boolean {
  const name = nameOf(error)
  return name === 'NoSuchKey' || name === 'NotFound'
}

/** The range begins past the object's end. */
export function isPastEnd(error: unknown): boolean {
  return nameOf(error) === 'InvalidRange' || statusOf(error) === 416
}

export function isTaken(error: unknown): boolean {
  return nameOf(error) === 'PreconditionFailed' || statusOf(error) === 412
}

export function isRace(error: unknown): boolean {
  return nameOf(error) === 'ConditionalRequestConflict' || statusOf(error) === 409
}

/** A multipart upload that was completed, or given up, by now. */
export function isUploadOver(error: unknown): boolean {
  return nameOf(error) === 'NoSuchUpload'
}

export function s3Error(error: unknown, doing: string): SluiceError {
  if (error instanceof SluiceError) return error
  const name = nameOf(error)
  const said = error instanceof Error && error.message !== '' ? error.message : name
  const message = `${doing} failed: ${said === name ? name : `${name}: ${said}`}`
  if (Object.hasOwn(REFUSALS, name)) {
    return new SluiceError('STORE_REFUSED', message, { cause: error, hint: REFUSALS[name]! })
  }
  if (/region is missing/i.test(said)) {
    return new SluiceError('STORE_REFUSED', message, { cause: error, hint: 'Set lake.region or AWS_REGION.' })
  }
  if (statusOf(error) === 501 || name === 'NotImplemented') {
    return new SluiceError('STORE_UNSAFE', message, { cause: error })
  }
  if (isRefusal(error)) return new SluiceError('STORE_REFUSED', message, { cause: error })
  const local = classifyError(error)
  return local.code === 'DISK_FULL' ? local : new SluiceError('STORE_UNAVAILABLE', message, { cause: error })
}

/** A request that will be answered the same the next time. */
function isRefusal(error: unknown): boolean {
  const status = statusOf(error) ?? 0
  const passing =
    status === 408 || status === 409 || status === 429 || nameOf(error) === 'RequestTimeout' || isUploadOver(error)
  return status >= 400 && status < 500 && !passing
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error)
}

function statusOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return null
  const { $metadata: metadata } = error
  return typeof metadata === 'object' &&
    metadata !== null &&
    'httpStatusCode' in metadata &&
    typeof metadata.httpStatusCode === 'number'
    ? metadata.httpStatusCode
    : null
}
