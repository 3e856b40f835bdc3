import type { S3Settings } from '../../src/domain/settings.ts'
import type { S3 } from './s3.ts'

/** Settings by which the AWS SDK finds all but the path style in the environment. */
export const S3_FROM_ENVIRONMENT: S3Settings = {
  region: null,
  endpoint: null,
  forcePathStyle: true,
  profile: null,
  accessKeyId: null,
  secretAccessKey: null,
  sessionToken: null,
  encryption: 'none',
  kmsKeyId: null,
}

export type S3Login = Pick<S3, 'endpoint' | 'region' | 'accessKey' | 'secretKey'>

export function s3Settings({ endpoint, region, accessKey, secretKey }: S3Login): S3Settings {
  return { ...S3_FROM_ENVIRONMENT, endpoint, region, accessKeyId: accessKey, secretAccessKey: secretKey }
}

/** What Spark is given to reach the server by S3A. */
export function sparkOptions({ endpoint, region, accessKey, secretKey }: S3Login): Readonly<Record<string, string>> {
  const options = {
    endpoint,
    'endpoint.region': region,
    'access.key': accessKey,
    'secret.key': secretKey,
    'path.style.access': 'true',
    'connection.ssl.enabled': 'false',
    'aws.credentials.provider': 'org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider',
  }
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [`spark.hadoop.fs.s3a.${name}`, value]))
}

/** What deltalake is given to reach the server. */
export function deltalakeOptions({
  endpoint,
  region,
  accessKey,
  secretKey,
}: S3Login): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
    AWS_ALLOW_HTTP: 'true',
  }
}
