import type { VerbEntry } from './verb.ts'

/** Every verb of this build, in the order in which `--help` shows them. A verb's module is loaded when it is called. */
export const VERBS: readonly VerbEntry[] = [
  {
    name: 'config check',
    group: 'Start',
    usage: '',
    summary: 'check the settings and say which file applies',
    load: async () => (await import('./verbs/start/config-check.ts')).configCheck,
  },
  {
    name: 'config print',
    group: 'Start',
    usage: '',
    summary: 'print every setting as it applies, secrets redacted',
    load: async () => (await import('./verbs/start/config-print.ts')).configPrint,
  },
  {
    name: 'config schema',
    group: 'Start',
    usage: '',
    summary: 'print the JSON Schema of settings files',
    load: async () => (await import('./verbs/start/config-schema.ts')).configSchema,
  },
  {
    name: 'config example',
    group: 'Start',
    usage: 'CONNECTOR',
    summary: 'print settings to begin with for a connector',
    load: async () => (await import('./verbs/start/config-example.ts')).configExample,
  },
]
