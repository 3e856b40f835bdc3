import { SluiceError } from '../../domain/errors.ts'
import type { ErrorWhere } from '../../domain/errors.ts'
import type { YamlPlace } from '../yaml/yaml-tree.ts'

/** Something wrong with a setting: all that are found are told at once. */
export interface Problem {
  readonly message: string
  readonly at: YamlPlace
  /** Dotted, as `--set` takes it. */
  readonly key: string
}

export function problemsError(problems: readonly [Problem, ...Problem[]]): SluiceError {
  const [first, ...others] = problems
  const more = others.map((problem) => `\n  also ${formatPlace(problem.at)}: ${problem.message}`)
  return new SluiceError('SETTINGS_INVALID', first.message + more.join(''), { where: whereOf(first) })
}

function whereOf({ at, key }: Problem): ErrorWhere {
  return at.line === null ? { file: at.file, key } : { file: at.file, line: at.line, key }
}

export function formatPlace(at: YamlPlace): string {
  return at.line === null ? at.file : `${at.file}:${at.line}`
}
