import type { SluiceError } from '../domain/errors.ts'
import type { ConnectorDeclaration } from '../domain/setting-declarations.ts'
import type { Settings } from '../domain/settings.ts'
import type { StartService } from '../ports/service.ts'
import type { Bench, World } from '../ports/world.ts'
import type { Flag, FlagValues } from './flag-values.ts'
import type { Printer } from './printer.ts'

/** What a verb declares and what it is handed. A verb has no import side effects and is loaded only when it is called. */

/** In the order in which `--help` shows them. */
export const VERB_GROUPS = ['Start', 'Flow', 'Look', 'Repair', 'Keep', 'Govern'] as const
export type VerbGroup = (typeof VERB_GROUPS)[number]

/** What `sluice --help` tells of a verb, without loading it. */
export interface VerbEntry {
  /** One word, or two where a word has several actions: `config check`. */
  readonly name: string
  readonly group: VerbGroup
  /** One line, no full stop. */
  readonly summary: string
  /** What stands after the name: `[TABLE…]`. */
  readonly usage: string
  /** Works, and is not shown by `sluice --help`. */
  readonly hidden?: true
  /** It goes on until it is told to end: off a terminal its stderr is logs alone. */
  readonly stays?: true
  /** It is made to be read, wherever it runs: of the logs only warnings and errors, unless the settings ask for more. */
  readonly tells?: true
  load(): Promise<Verb>
}

export interface Verb {
  readonly positionals: readonly Positional[]
  /** Its own flags; `--config`, `--set`, `--json` and `--help` are every verb's. */
  readonly flags: readonly Flag[]
  /** Further lines of `sluice VERB --help`. */
  readonly notes?: readonly string[]
  /** Variables of the settings that its flags stand for; they take the place of the environment's. */
  variables?(flags: FlagValues): Readonly<Record<string, string>>
  run(call: VerbCall): Promise<VerbEnd>
}

export interface Positional {
  /** In capitals. */
  readonly name: string
  readonly meaning: string
  readonly required: boolean
  /** Takes all that is left; only the last one may. */
  readonly repeated?: true
}

/**
 * How a verb ended: 0, 1 or 3, or the errors that stopped parts of its work (what ended all of it is thrown). Of
 * several the gravest gives the exit code and, under `--json`, takes the place of the verb's own form.
 */
export type VerbEnd =
  | 0
  | 1
  | 3
  | {
      readonly errors: readonly SluiceError[]
      /** The verb's own form stands beside the error, in one document. */
      readonly formBeside?: object
    }

export interface VerbCall {
  readonly positionals: readonly string[]
  readonly flags: FlagValues
  readonly json: boolean
  /** Loaded at the first call. */
  readonly settings: () => Settings
  /** Opened at the first call, closed by the frame. */
  readonly world: () => Promise<World>
  /** For verbs that can do without settings; opened at the first call, closed by the frame. */
  readonly bench: () => Promise<Bench>
  /** For a verb that stays; the verb closes it. */
  readonly startService: StartService
  readonly print: Printer
  /** Aborted when the process is asked to end. */
  readonly signal: AbortSignal
  /** Returns if `--yes` was given or a person agrees; throws CONFIRMATION_NEEDED otherwise. The verb declares `YES`. */
  readonly confirm: (question: string) => Promise<void>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** What a person types to call Sluice again from `cwd`. */
  readonly program: string
  readonly config: ConfigAccess
}

/** What `config …` and `doctor` see of the settings besides their values. */
export interface ConfigAccess {
  /** The value of `--config`. */
  readonly file: string | null
  readonly sets: readonly string[]
  readonly connectors: readonly ConnectorDeclaration[]
  /** What `log.level: auto` stands for. */
  readonly quiet: boolean
}

/** Verbs that work rather than look: their logs and their lineage are of interest to others. */
export function changesData({ name, group }: VerbEntry, { flags }: Verb): boolean {
  if (group === 'Flow' || group === 'Repair' || group === 'Keep' || name === 'demo')
    return name !== 'test' && name !== 'checkpoint show'
  return flags.some((flag) => flag.name === YES.name || flag.name === DRY_RUN.name)
}

/** For verbs that change data. */
export const YES: Flag = { name: 'yes', type: 'switch', meaning: 'do it without asking' }
export const DRY_RUN: Flag = { name: 'dry-run', type: 'switch', meaning: 'say what would be done, change nothing' }
