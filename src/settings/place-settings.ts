import type { RegistrySettings, WatermarkMirrorSettings, S3Settings, Settings } from '../domain/settings.ts'
import type { SettingReader } from './setting-reader.ts'

/** `lake:` and `registry:` as the rooms receive them. */

export function toLake(read: SettingReader): Settings['lake'] {
  const text = (key: string): string | null => read.textOrNull('lake', key)
  return {
    uri: read.text('lake', 'uri'),
    workDir: read.text('lake', 'work_dir'),
    cacheBytes: read.number('lake', 'cache_mb'),
    s3: {
      region: text('region'),
      endpoint: text('endpoint'),
      forcePathStyle: read.value('lake', 'force_path_style') === true,
      profile: text('profile'),
      accessKeyId: text('access_key_id'),
      secretAccessKey: text('secret_access_key'),
      sessionToken: text('session_token'),
      encryption: read.text('lake', 'sse') as S3Settings['encryption'],
      kmsKeyId: text('kms_key_id'),
    },
  }
}

export function toRegistry(read: SettingReader): RegistrySettings {
  if (read.text('registry', 'kind') === 'embedded') return { kind: 'embedded', dir: read.text('registry', 'dir') }
  return {
    kind: 'confluent',
    url: (read.textOrNull('registry', 'url') ?? '').replace(/\/+$/, ''),
    username: read.textOrNull('registry', 'username'),
    password: read.textOrNull('registry', 'password'),
    caFile: read.textOrNull('registry', 'ca_file'),
    timeoutMs: read.number('registry', 'timeout'),
  }
}

export function toWatermarkMirror(read: SettingReader): WatermarkMirrorSettings {
  if (read.text('watermark_mirror', 'kind') === 'none') return { kind: 'none' }
  const text = (key: string): string | null => read.textOrNull('watermark_mirror', key)
  const prefix = text('prefix') ?? ''
  return { kind: 'ssm', prefix, region: text('region'), endpoint: text('endpoint'), profile: text('profile') }
}
