import { subscribe } from 'node:diagnostics_channel'
import { writeFileSync } from 'node:fs'

/** Preloaded into the real program: writes the types of all events that it told to the file SLUICE_EVENTS, as JSON. */
const types = new Set<string>()
subscribe('sluice:event', (message) => types.add((message as { readonly type: string }).type))
process.on('exit', () => writeFileSync(process.env['SLUICE_EVENTS'] ?? '', JSON.stringify([...types])))
