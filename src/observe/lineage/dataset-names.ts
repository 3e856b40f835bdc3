import { pathToFileURL } from 'node:url'
import type { JobDataset } from '../../domain/dataset.ts'
import type { Settings } from '../../domain/settings.ts'

/** What a dataset is called in lineage, so that what other tools tell of the same place meets it. */
export interface DatasetName {
  readonly namespace: string
  readonly name: string
}

/**
 * Names after OpenLineage's naming of datasets: a folder or file by `file` and its path, a bucket's table by `s3://…`
 * and its key, a topic by its broker, a source by what it reads.
 */
export function nameDataset({ kind, name }: JobDataset, settings: Settings): DatasetName {
  switch (kind) {
    case 'table':
      return placeName(`${settings.lake.uri.replace(/\/$/, '')}/${name.replace('.', '/')}`)
    case 'topic':
      return topicName(name, settings.broker)
    case 'source':
      return sourceName(name, settings)
  }
}

function topicName(name: string, broker: Settings['broker']): DatasetName {
  if (broker.kind === 'kafka') return { namespace: `kafka://${broker.brokers[0] ?? ''}`, name }
  return placeName(`${broker.dir}/${name}`)
}

/** Where a dataset is, as a URI; null where it has none. */
export function datasetUri({ namespace, name }: DatasetName): string | null {
  if (namespace === 'file') return pathToFileURL(name).href
  return /^[a-z][a-z0-9+.-]*:\/\//.test(namespace) ? `${namespace}/${encodeURI(name)}` : null
}

function placeName(place: string): DatasetName {
  const bucket = /^([a-z][a-z0-9+.-]*:\/\/[^/]+)\/(.+)$/i.exec(place)
  return bucket === null ? { namespace: 'file', name: place } : { namespace: bucket[1] ?? '', name: bucket[2] ?? '' }
}

function sourceName(source: string, { sources }: Settings): DatasetName {
  const known = sources.get(source)
  const option = (key: string): string | null => {
    const value = known?.options[key]
    return typeof value === 'string' && value !== '' ? value : null
  }
  const path = option('path')
  if (known?.connector === 'files' && path !== null) return { namespace: 'file', name: path }
  const host = option('account') ?? option('host') ?? option('brokers') ?? source
  return { namespace: `${known?.connector ?? 'source'}://${host}`, name: option('table') ?? option('topic') ?? source }
}
