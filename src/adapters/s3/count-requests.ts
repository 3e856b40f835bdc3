import type { S3Client } from '@aws-sdk/client-s3'
import type { RequestKind } from '../../ports/object-store.ts'

export type CountRequest = (kind: RequestKind) => void

const KINDS: Readonly<Record<string, RequestKind>> = {
  GetObjectCommand: 'get',
  HeadObjectCommand: 'head',
  ListObjectsV2Command: 'list',
  ListMultipartUploadsCommand: 'list',
  PutObjectCommand: 'put',
  CreateMultipartUploadCommand: 'put',
  UploadPartCommand: 'put',
  CompleteMultipartUploadCommand: 'put',
  DeleteObjectsCommand: 'delete',
  AbortMultipartUploadCommand: 'delete',
}

/** Counts each request as it goes out, those that the SDK sends again too: a store charges for them all. */
export function countRequests(client: S3Client, count: CountRequest): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        const kind = commandName === undefined ? undefined : KINDS[commandName]
        if (kind !== undefined) count(kind)
        return next(args)
      },
    // The innermost step: it runs once an attempt.
    { step: 'deserialize', name: 'sluiceCountRequests', priority: 'low' },
  )
}
