import type { Incompatibility } from '../incompatibility.ts'
export function jsonIncompatibilities(_writer: unknown, _reader: unknown): Incompatibility[] { return [] }
