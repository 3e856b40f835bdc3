import { group, setting, size } from './setting-declarations.ts'
import type { SettingGroup } from './setting-declarations.ts'

/** Settings of the places that data lies in: the lake and the registry. */

export function lakeSettings(): SettingGroup {
  return group('Where the tables are.', {
    uri: setting({
      type: { kind: 'store_uri' },
      required: true,
      example: 'lake',
      meaning: 'Folder, or `s3://bucket/prefix`, of the tables and of the error lanes.',
    }),
    region: setting({
      type: { kind: 'text' },
      meaning: 'For S3: region of the bucket (else AWS_REGION, or the profile).',
    }),
    endpoint: setting({
      type: { kind: 'text' },
      meaning:
        'For S3: address of a server other than AWS, such as `http://127.0.0.1:7070` (else AWS_ENDPOINT_URL_S3).',
    }),
    force_path_style: setting({
      type: { kind: 'boolean' },
      default: false,
      meaning: 'For S3: the bucket stands in the path, not in the host name, as most servers other than AWS want it.',
    }),
    profile: setting({
      type: { kind: 'text' },
      meaning: "For S3: profile of the AWS configuration files (else AWS_PROFILE, or the AWS SDK's default chain).",
    }),
    access_key_id: setting({
      type: { kind: 'text' },
      meaning: 'For S3: access key, where neither environment nor profile give one.',
    }),
    secret_access_key: setting({
      type: { kind: 'text' },
      secret: true,
      byReference: true,
      meaning: 'For S3: the secret of `access_key_id`: `${VARIABLE}`.',
    }),
    session_token: setting({
      type: { kind: 'text' },
      secret: true,
      byReference: true,
      meaning: 'For S3: session token of temporary credentials: `${VARIABLE}`.',
    }),
    sse: setting({
      type: { kind: 'choice', values: ['none', 'AES256', 'aws:kms'] },
      default: 'none',
      meaning: 'For S3: encryption asked for with each object; `none` leaves it to the bucket.',
    }),
    kms_key_id: setting({ type: { kind: 'text' }, meaning: 'For S3 with `sse: aws:kms`: the key.' }),
    work_dir: setting({
      type: { kind: 'path' },
      default: '.sluice/s3',
      meaning: 'For S3: local folder of staged files and of copies of data files.',
    }),
    cache_mb: size(4096, 'For S3: upper bound of the copies; what was used within the last hour stays.'),
  })
}

export function registrySettings(): SettingGroup {
  return group('Where the contracts in force are.', {
    kind: setting({
      type: { kind: 'choice', values: ['embedded', 'confluent'] },
      default: 'embedded',
      meaning: 'Which schema registry; `confluent` is any that speaks its REST API.',
    }),
    dir: setting({
      type: { kind: 'path' },
      default: '.sluice/registry',
      meaning: 'For `embedded`: its folder.',
    }),
    url: setting({
      type: { kind: 'text' },
      meaning: 'For `confluent`: root of its API, such as `http://127.0.0.1:8081`.',
    }),
    username: setting({ type: { kind: 'text' }, meaning: 'For `confluent`: user of HTTP basic authentication.' }),
    password: setting({
      type: { kind: 'text' },
      secret: true,
      byReference: true,
      meaning: 'For `confluent`: its password: `${VARIABLE}`.',
    }),
    ca_file: setting({
      type: { kind: 'path' },
      meaning: "For `confluent`: PEM file of the authority of its certificate, beside the system's own.",
    }),
    timeout: setting({
      type: { kind: 'duration', forever: false },
      default: '10s',
      meaning: 'For `confluent`: how long one request may take.',
    }),
  })
}

export function watermarkMirrorSettings(): SettingGroup {
  return group(
    'Where the watermarks of sources are published for others to read; they are never read back by a pass.',
    {
      kind: setting({
        type: { kind: 'choice', values: ['none', 'ssm'] },
        default: 'none',
        meaning: '`ssm`: AWS Systems Manager Parameter Store.',
      }),
      prefix: setting({
        type: { kind: 'text' },
        example: '/sluice/prod',
        meaning: "What the parameters' names begin with; a source's `watermark_state_key` follows.",
      }),
      region: setting({ type: { kind: 'text' }, meaning: 'AWS region (default: as the AWS SDK finds it).' }),
      endpoint: setting({ type: { kind: 'text' }, meaning: 'Another address than that of AWS.' }),
      profile: setting({ type: { kind: 'text' }, meaning: 'Profile of the shared AWS configuration.' }),
    },
  )
}
