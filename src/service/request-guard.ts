import { createHash, timingSafeEqual } from 'node:crypto'
import type { AnswerHeaders } from './answer.ts'

/** Who may ask what. Pure. */

export interface GuardPolicy {
  /** Only this machine can reach the address that we listen on. */
  readonly loopback: boolean
  readonly token: string | null
}

export interface RequestFacts {
  readonly method: string
  readonly url: string
  readonly host: string | undefined
  readonly authorization: string | undefined
}

export interface Refusal {
  readonly status: 400 | 401 | 403 | 405 | 414 | 421
  readonly message: string
  readonly headers?: AnswerHeaders
}

const MAX_URL_LENGTH = 2048

/** What holds for every request, whatever it asks for. */
export function refuseRequest({ method, url, host }: RequestFacts, { loopback }: GuardPolicy): Refusal | null {
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, message: 'only GET is served', headers: { allow: 'GET, HEAD' } }
  }
  if (url.length > MAX_URL_LENGTH) return { status: 414, message: `the URL is longer than ${MAX_URL_LENGTH}` }
  if (!url.startsWith('/')) return { status: 400, message: 'the URL must be a path' }
  // A page of another site can make a browser ask a loopback address under that site's own name (DNS rebinding).
  if (loopback && !namesLoopback(host)) return { status: 421, message: 'this service answers to localhost only' }
  return null
}

/** For what tells of data: the page and /api. */
export function refuseWithoutToken({ authorization }: RequestFacts, policy: GuardPolicy): Refusal | null {
  const { loopback, token } = policy
  if (token === null) {
    if (loopback) return null
    return { status: 403, message: 'set service.token: off loopback the page and /api need it' }
  }
  const given = tokenOf(authorization)
  if (given === null && loopback) return null
  if (given !== null && sameText(given, token)) return null
  return {
    status: 401,
    message: 'the token is missing or wrong',
    // Basic, so that a browser asks for it: the password is the token, the user name does not matter.
    // A line each: browsers read one scheme a line.
    headers: { 'www-authenticate': ['Basic realm="sluice", charset="UTF-8"', 'Bearer realm="sluice"'] },
  }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

function namesLoopback(host: string | undefined): boolean {
  if (host === undefined) return false
  return isLoopback(host.toLowerCase().replace(/:\d{1,5}$/, ''))
}

function tokenOf(authorization: string | undefined): string | null {
  const [, scheme = '', given = ''] = /^(bearer|basic) +(\S+)\s*$/i.exec(authorization ?? '') ?? []
  if (scheme === '') return null
  if (scheme.toLowerCase() === 'bearer') return given
  const pair = Buffer.from(given, 'base64').toString('utf8')
  return pair.slice(pair.indexOf(':') + 1)
}

/** Takes the same time wherever the texts differ, and whatever their lengths. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
