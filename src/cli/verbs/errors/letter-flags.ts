import { SluiceError } from '../../../domain/errors.ts'
import type { LetterFilter } from '../../../error-lane/ledger.ts'
import type { LaneRecord } from '../../../error-lane/lane-record.ts'
import type { Flag, FlagValues } from '../../flag-values.ts'

/** The flags by which `errors …` choose letters. */
export const LETTER_FLAGS: readonly Flag[] = [
  { name: 'stage', type: 'text', value: 'STAGE', meaning: 'only letters of stage connect, contract or gate' },
  { name: 'code', type: 'text', value: 'CODE', meaning: 'only letters with this code, such as REQUIRED' },
  { name: 'field', type: 'text', value: 'FIELD', meaning: 'only letters that name this field' },
  { name: 'since', type: 'time', value: 'TIME', meaning: 'only letters quarantined at or after: ISO 8601, or -2h' },
]

export function readLetterFlags(flags: FlagValues): LetterFilter {
  const [stage, code, field, sinceMs] = [
    flags.text('stage'),
    flags.text('code'),
    flags.text('field'),
    flags.ms('since'),
  ]
  if (stage !== null && stage !== 'connect' && stage !== 'contract' && stage !== 'gate') {
    throw new SluiceError('USAGE', `--stage ${JSON.stringify(stage)} is none of connect, contract, gate`)
  }
  return {
    ...(stage === null ? {} : { stage }),
    ...(code === null ? {} : { code }),
    ...(field === null ? {} : { field }),
    ...(sinceMs === null ? {} : { sinceMs }),
  }
}

/** `orders/2@17`, or `shop in/a.csv:17` for a record that never reached a topic. */
export function placeText({ topic, partition, offset, source }: LaneRecord): string {
  if (topic !== null) return `${topic}/${partition}@${offset}`
  return source === null ? '-' : `${source.name} ${source.object}:${source.at}`
}
