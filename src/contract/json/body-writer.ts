import type { RegisteredSchema } from '../../ports/schema-registry.ts'
import type { BodyWriter } from '../body-writer.ts'
import { invalidContract } from '../invalid.ts'
export function jsonBodyWriter({subject}: RegisteredSchema): BodyWriter { throw invalidContract({subject, path:''}, 'JSON Schema contracts are being built') }
