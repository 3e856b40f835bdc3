import type { ContractFormat } from '../../../domain/contract.ts'
import { SluiceError } from '../../../domain/errors.ts'
import { field } from './registry-http.ts'

/** Schemas come from anyone who may register: what is too large or too deep to be a contract is refused unparsed. */

const MAX_SCHEMA_BYTES = 1024 * 1024
const MAX_DEPTH = 100

export interface SchemaAnswer {
  readonly format: ContractFormat
  readonly text: string
}

/** `what` names it in messages. Throws CONTRACT_INVALID, or REGISTRY_UNAVAILABLE for what is no answer at all. */
export function checkSchema(answer: unknown, what: string): SchemaAnswer {
  const text = field(answer, 'schema')
  const type = field(answer, 'schemaType') ?? 'AVRO'
  const references = field(answer, 'references')
  if (typeof text !== 'string') throw new SluiceError('REGISTRY_UNAVAILABLE', `the answer for ${what} holds no schema`)
  if (type !== 'AVRO' && type !== 'JSON') {
    throw new SluiceError('CONTRACT_INVALID', `${what} is of type ${JSON.stringify(type)}; Sluice reads AVRO and JSON`)
  }
  if (Array.isArray(references) && references.length > 0) {
    throw new SluiceError('CONTRACT_INVALID', `${what} refers to other subjects; write it out whole`)
  }
  const bytes = Buffer.byteLength(text)
  if (bytes > MAX_SCHEMA_BYTES) {
    throw new SluiceError('CONTRACT_INVALID', `${what} has ${bytes} bytes; at most ${MAX_SCHEMA_BYTES} are read`)
  }
  const depth = depthOf(text)
  if (depth > MAX_DEPTH) {
    throw new SluiceError('CONTRACT_INVALID', `${what} is nested ${depth} deep; at most ${MAX_DEPTH} are read`)
  }
  return { format: type === 'AVRO' ? 'avro' : 'json', text }
}

/** How deep brackets stand in brackets, outside of strings. */
export function depthOf(json: string): number {
  let [depth, deepest] = [0, 0]
  let inText = false
  for (let at = 0; at < json.length; at += 1) {
    const sign = json.charCodeAt(at)
    if (inText) {
      if (sign === 0x5c) at += 1
      else if (sign === 0x22) inText = false
    } else if (sign === 0x22) inText = true
    else if (sign === 0x7b || sign === 0x5b) deepest = Math.max(deepest, (depth += 1))
    else if (sign === 0x7d || sign === 0x5d) depth -= 1
  }
  return deepest
}
