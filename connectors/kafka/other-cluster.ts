import { isBrokerAddress, splitBrokers } from '../../src/domain/broker-address.ts'
import type { KafkaBrokerSettings, SourceSettings } from '../../src/domain/settings.ts'
import { refused } from './kafka-options.ts'

/** How the cluster that is copied from is reached. */
export type OtherCluster =
  | { readonly kind: 'embedded'; readonly dir: string }
  | ({ readonly kind: 'kafka' } & Pick<KafkaBrokerSettings, 'brokers' | 'tls' | 'sasl'>)

type Source = Pick<SourceSettings, 'name' | 'options'>

/** Throws SETTINGS_INVALID with the key. */
export function readOtherCluster(source: Source): OtherCluster {
  const key = (option: string): string => `sources.${source.name}.${option}`
  const text = textsOf(source)
  const dir = text('log_dir')
  const brokers = splitBrokers(text('brokers') ?? '')
  if (dir !== null && brokers.length > 0)
    throw refused(key('log_dir'), 'stands beside brokers; a source has one of them')
  if (dir !== null) return { kind: 'embedded', dir }
  if (brokers.length === 0) throw refused(key('brokers'), 'is missing: host:port of the cluster that is copied from')
  for (const each of brokers) {
    if (!isBrokerAddress(each)) throw refused(key('brokers'), `holds ${JSON.stringify(each)}, which is no host:port`)
  }
  const [ca, cert, certKey] = [text('tls_ca'), text('tls_cert'), text('tls_key')]
  if ((cert === null) !== (certKey === null))
    throw refused(key(cert === null ? 'tls_cert' : 'tls_key'), 'is needed beside the other: they are a pair')
  const tls = source.options['tls'] === true ? { ca, cert, key: certKey } : null
  return { kind: 'kafka', brokers, tls, sasl: toSasl(source) }
}

function toSasl(source: Source): KafkaBrokerSettings['sasl'] {
  const text = textsOf(source)
  const mechanism = text('sasl_mechanism') ?? 'none'
  const need = (option: string): string => {
    const value = text(option)
    if (value === null) throw refused(`sources.${source.name}.${option}`, `is needed for ${mechanism}`)
    return value
  }
  switch (mechanism) {
    case 'PLAIN':
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512':
      return { mechanism, username: need('sasl_username'), password: need('sasl_password') }
    case 'OAUTHBEARER':
      return { mechanism, token: need('sasl_token') }
    default:
      return null
  }
}

/** An option as text; null where it is not set. */
function textsOf({ options }: Source): (option: string) => string | null {
  return (option) => {
    const value = options[option] ?? null
    return typeof value === 'string' && value !== '' ? value : null
  }
}
