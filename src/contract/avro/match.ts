import { branchName, shortName, type AvroType } from './schema.ts'

/** Which types the specification takes for one another ("Schema Resolution"). */

const PROMOTIONS: Readonly<Partial<Record<AvroType['kind'], readonly AvroType['kind'][]>>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
}

export function isPromotion(writer: AvroType, reader: AvroType): boolean {
  return PROMOTIONS[writer.kind]?.includes(reader.kind) === true
}

/** Of one name; namespaces are left out of account, as the specification has it. */
export function hasSameName(writer: AvroType, reader: AvroType): boolean {
  return shortName(branchName(writer)) === shortName(branchName(reader))
}

/** One of the reader's aliases is the writer's name. */
export function isAlias(writer: AvroType, reader: AvroType): boolean {
  const written = shortName(branchName(writer))
  return 'aliases' in reader && reader.aliases.some((alias) => shortName(alias) === written)
}
