import { COMMON_FLAGS } from './parse-arguments.ts'
import { VERB_GROUPS } from '../verb.ts'
import type { Flag } from '../flag-values.ts'
import type { Verb, VerbEntry } from '../verb.ts'

export function formatTopHelp(verbs: readonly VerbEntry[]): string {
  const lines = [
    'Sluice brings records from sources through topics and contracts into Delta tables, exactly once.',
    '',
    'Usage: sluice VERB [arguments] [flags]',
  ]
  for (const group of VERB_GROUPS) {
    const members = verbs.filter((verb) => verb.group === group && verb.hidden !== true)
    if (members.length === 0) continue
    lines.push('', group, ...members.flatMap(topLines))
  }
  return [
    ...lines,
    '',
    'Flags of every verb',
    ...flagLines(COMMON_FLAGS),
    '',
    '`sluice VERB --help` tells more of one verb, `sluice --version` the version.',
    'Exit codes: 0 ok (quarantined rows included), 1 a check found something, 2 usage or settings, 3 gate blocked,',
    '4 contract incompatible, 5 a service is unavailable (try again), 6 stopped until a person acts, 70 a bug.',
    '',
  ].join('\n')
}

const TOP_COLUMN = 46

/** What does not fit into the column has a line of its own. */
function topLines(verb: VerbEntry): string[] {
  const words = call(verb)
  return words.length + 2 <= TOP_COLUMN
    ? [`  ${words.padEnd(TOP_COLUMN)}${verb.summary}`]
    : [`  ${words}`, `  ${' '.repeat(TOP_COLUMN)}${verb.summary}`]
}

export function formatVerbHelp(entry: VerbEntry, verb: Verb): string {
  const lines = [
    `Usage: sluice ${call(entry)}${verb.flags.length === 0 ? '' : ' [flags]'}`,
    '',
    `${sentence(entry.summary)}`,
  ]
  if (verb.positionals.length > 0) {
    const width = Math.max(...verb.positionals.map((positional) => positional.name.length)) + 2
    lines.push('', 'Arguments')
    for (const positional of verb.positionals) lines.push(`  ${positional.name.padEnd(width)}${positional.meaning}`)
  }
  if (verb.flags.length > 0) lines.push('', 'Flags', ...flagLines(verb.flags))
  lines.push('', 'Flags of every verb', ...flagLines(COMMON_FLAGS))
  if (verb.notes !== undefined) lines.push('', ...verb.notes.flatMap(wrap))
  return [...lines, ''].join('\n')
}

/** `sluice config --help`: a word that has several actions. */
export function formatFamilyHelp(word: string, members: readonly VerbEntry[]): string {
  const width = Math.max(...members.map((verb) => call(verb).length)) + 2
  return [
    `Usage: sluice ${word} ACTION [arguments] [flags]`,
    '',
    ...members.map((verb) => `  ${call(verb).padEnd(width)}${verb.summary}`),
    '',
    `\`sluice ${members[0]?.name ?? word} --help\` tells more of one.`,
    '',
  ].join('\n')
}

function call(verb: VerbEntry): string {
  return verb.usage === '' ? verb.name : `${verb.name} ${verb.usage}`
}

function flagLines(flags: readonly Flag[]): string[] {
  const names = flags.map((flag) => `--${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}`)
  const width = Math.max(...names.map((name) => name.length)) + 2
  return flags.map((flag, i) => `  ${names[i]!.padEnd(width)}${flag.meaning}`)
}

/** Lines of at most 118 characters, broken between words. */
function wrap(text: string): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + word.length + 1 > 118) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}
