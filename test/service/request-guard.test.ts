import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback, refuseRequest, refuseWithoutToken } from '../../src/service/request-guard.ts'

const FACTS = { method: 'GET', url: '/', host: '127.0.0.1:8080', authorization: undefined }
const HERE = { loopback: true, token: null }
const OUTSIDE = { loopback: false, token: 's3cret' }

test('only GET and HEAD are served, of paths of a sane length', () => {
  const status = (facts: object): number | undefined => refuseRequest({ ...FACTS, ...facts }, HERE)?.status
  assert.equal(status({}), undefined)
  assert.equal(status({ method: 'HEAD' }), undefined)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'get', '']) assert.equal(status({ method }), 405)
  assert.equal(status({ url: `/${'a'.repeat(2048)}` }), 414)
  assert.equal(status({ url: 'http://other/' }), 400)
})

test('on loopback only names of loopback are answered to, so that another site cannot ask through a browser', () => {
  const refused = (host: string | undefined): boolean => refuseRequest({ ...FACTS, host }, HERE) !== null
  for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1:1', '127.9.9.9', '[::1]:8080', '[::1]'])
    assert.equal(refused(host), false, host)
  for (const host of [undefined, '', 'evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80', '10.0.0.1'])
    assert.equal(refused(host), true, host)
  assert.equal(refuseRequest({ ...FACTS, host: 'sluice.internal' }, OUTSIDE), null)
})

test('off loopback the token is needed, as a bearer or as the password that a browser asks for', () => {
  const status = (authorization: string | undefined): number | undefined =>
    refuseWithoutToken({ ...FACTS, authorization }, OUTSIDE)?.status
  const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`
  assert.equal(status('Bearer s3cret'), undefined)
  assert.equal(status('bearer  s3cret '), undefined)
  assert.equal(status(basic('anyone:s3cret')), undefined)
  for (const given of [
    undefined,
    '',
    'Bearer',
    'Bearer s3cre',
    'Bearer s3cret2',
    's3cret',
    basic('s3cret:x'),
    'Digest s3cret',
  ])
    assert.equal(status(given), 401, given)
})

test('off loopback without a token in the settings nobody sees the page; on loopback everybody does', () => {
  const facts = { ...FACTS, authorization: 'Bearer ' }
  assert.equal(refuseWithoutToken(facts, { loopback: false, token: null })?.status, 403)
  assert.equal(refuseWithoutToken(FACTS, HERE), null)
  assert.equal(refuseWithoutToken(FACTS, { loopback: true, token: 't' }), null)
  assert.equal(
    refuseWithoutToken({ ...FACTS, authorization: 'Bearer no' }, { loopback: true, token: 't' })?.status,
    401,
  )
})

test('loopback is what no other machine reaches', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) assert.equal(isLoopback(host), true, host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', '']) assert.equal(isLoopback(host), false, host)
})
