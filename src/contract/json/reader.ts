import type { BodyReader, ReaderOptions } from '../body-reader.ts'
import { invalidContract } from '../invalid.ts'
export function createJsonReader({contract}: ReaderOptions): BodyReader { throw invalidContract({subject: contract.subject, path:''}, 'JSON Schema contracts are being built') }
