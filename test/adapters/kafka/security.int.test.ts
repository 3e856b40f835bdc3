import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { KafkaSettings } from '../../../src/adapters/kafka/kafka-settings.ts'
import { recordValue } from '../../../src/domain/record-batch.ts'
import { kafkaMissing, startKafka, type Kafka, type SecuredListeners } from '../../services/kafka.ts'
import { openLog } from './open-log.ts'

const skip = await kafkaMissing()

describe('secured listeners', { skip }, () => {
  let kafka: Kafka
  let secured: SecuredListeners
  before(async () => {
    kafka = await startKafka({ secured: true, properties: { 'connections.max.reauth.ms': '3600000' } })
    secured = kafka.secured!
  })
  after(() => kafka.close())

  const password = (mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'): KafkaSettings['sasl'] => ({
    mechanism,
    username: secured.username,
    password: secured.password,
  })
  const tls = (): KafkaSettings['tls'] => ({ ca: secured.ca, cert: null, key: null })

  test('records go there and back by PLAIN, SCRAM, OAUTHBEARER and TLS, alone and together', async () => {
    const ways: [string, string, Partial<KafkaSettings>][] = [
      ['PLAIN', secured.sasl, { sasl: password('PLAIN') }],
      ['SCRAM-SHA-256', secured.sasl, { sasl: password('SCRAM-SHA-256') }],
      ['SCRAM-SHA-512', secured.sasl, { sasl: password('SCRAM-SHA-512') }],
      ['OAUTHBEARER', secured.sasl, { sasl: { mechanism: 'OAUTHBEARER', token: unsecuredToken(secured.username) } }],
      ['TLS', secured.tls, { tls: tls() }],
      ['SCRAM over TLS', secured.saslTls, { tls: tls(), sasl: password('SCRAM-SHA-512') }],
    ]
    for (const [name, bootstrap, some] of ways) {
      const log = openLog(bootstrap, some)
      try {
        const topic = name.replaceAll(' ', '-')
        await log.create(topic, { partitions: 1, retentionMs: null })
        const records = [{ key: null, value: Buffer.from(name), headers: [], timestampMs: 1 }]
        await log.append({ batches: [{ topic, partition: 0, records }], state: null })
        const read = await log.fetch({ topic, partition: 0, from: 0n, maxBytes: 1e6, waitMs: 0 })
        assert.ok(read.kind === 'batches', name)
        assert.equal(Buffer.from(recordValue(read.batches[0]!, 0)!).toString('utf8'), name)
      } finally {
        await log.close()
      }
    }
  })

  test('I13 what is refused says by whom and which setting to look at, and never the secret', async () => {
    const wrong = { mechanism: 'SCRAM-SHA-512', username: secured.username, password: 'not-the-secret' } as const
    const expired = { mechanism: 'OAUTHBEARER', token: unsecuredToken(secured.username, -600) } as const
    const ways: [string, Partial<KafkaSettings>, RegExp, string][] = [
      [secured.sasl, { sasl: wrong }, /refused the login/, 'broker.sasl'],
      [secured.sasl, { sasl: { ...wrong, mechanism: 'PLAIN' } }, /refused the login/, 'broker.sasl'],
      [secured.sasl, { sasl: expired }, /refused the login: .*invalid_token/, 'broker.sasl'],
      [secured.tls, {}, /asks for TLS, and broker.tls is not set/, 'broker.tls'],
    ]
    for (const [bootstrap, some, message, key] of ways) {
      const log = openLog(bootstrap, { retryMs: 1_000, ...some })
      try {
        await assert.rejects(log.topics(), (error: Error & { code: string; where: { key?: string } }) => {
          assert.equal(error.code, 'BROKER_REFUSED', error.message)
          assert.match(error.message, message)
          assert.ok(error.message.includes(bootstrap))
          assert.doesNotMatch(error.message, /not-the-secret/)
          assert.equal(error.where.key, key)
          return true
        })
      } finally {
        await log.close()
      }
    }
  })

  test('a login that is to be renewed in an hour keeps nothing alive once the broker has hung up', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length
    const before = timers()
    const log = openLog(secured.sasl, { sasl: password('PLAIN') })
    try {
      assert.equal(await log.describe('renewed'), null)
      await kafka.restart()
      assert.equal(await log.describe('renewed'), null)
    } finally {
      await log.close()
    }
    assert.ok(timers() <= before, `${timers()} timers, ${before} before`)
  })
})

/** A token that a broker for tests takes: claims without a signature. */
function unsecuredToken(subject: string, endsInSeconds = 3600): string {
  const part = (claims: object): string => Buffer.from(JSON.stringify(claims)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now - 1_000, exp: now + endsInSeconds })}.`
}
