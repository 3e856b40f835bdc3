import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FaultProxy } from '../services/fault-proxy.ts'
import type { Kafka } from '../services/kafka.ts'
import type { Python } from '../services/python.ts'
import type { Registry } from '../services/registry.ts'
import type { S3 } from '../services/s3.ts'
import { CONTRACT } from './chaos-topic.ts'
import { PARTITIONS, SESSION_MS } from './plan-round.ts'

/** The services that all rounds share. */
export interface ChaosServices {
  readonly folder: string
  readonly kafka: Kafka
  readonly registry: Registry
  readonly s3: S3
  readonly bucket: string
  /** Between the processes and the store, and the registry. */
  readonly storeProxy: FaultProxy
  readonly registryProxy: FaultProxy
  readonly python: Python
}

/** A topic, a table and a lake of one name. */
export interface ChaosProject {
  readonly name: string
  readonly folder: string
  readonly config: string
}

export async function writeProject(services: ChaosServices, name: string): Promise<ChaosProject> {
  const { kafka, s3, bucket, storeProxy, registryProxy } = services
  const folder = join(services.folder, name)
  await mkdir(join(folder, 'schemas'), { recursive: true })
  await writeFile(join(folder, 'schemas', `${name}-value.avsc`), JSON.stringify(CONTRACT))
  const lake = { uri: `s3://${bucket}/${name}`, endpoint: storeProxy.url, region: s3.region }
  const settings = {
    lake: { ...lake, force_path_style: true, work_dir: 'work' },
    broker: { kind: 'kafka', brokers: kafka.bootstrap, session_timeout: `${SESSION_MS}ms` },
    registry: { kind: 'confluent', url: registryProxy.url, timeout: '1s' },
    paths: { schemas: 'schemas' },
    topics: { [name]: { partitions: PARTITIONS, retention: 'forever' } },
    tables: { bronze: { [name]: { topic: name, key: ['id'] } } },
    ingest: { flush_age: '300ms', flush_mb: 0.05, fetch_mb: 0.02 },
  }
  const config = join(folder, 'sluice.yaml')
  // JSON is YAML.
  await writeFile(config, JSON.stringify(settings, null, 2))
  return { name, folder, config }
}
