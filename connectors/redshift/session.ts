import { readFile } from 'node:fs/promises'
import { rootCertificates } from 'node:tls'
import pg from 'pg'

import { SluiceError } from '../../src/domain/errors.ts'
import { redshiftError } from './redshift-error.ts'
import type { RedshiftOptions } from './redshift-options.ts'

/** A row as the wire has it: every value the database's own text, or null. */
export type WireRow = readonly (string | null)[]

export type Query = (text: string, binds?: readonly string[]) => Promise<WireRow[]>

/** One login, opened at first use and again once it broke. Errors come as ours. */
export interface Session {
  readonly query: Query
  /** Statements of one connection, all or none of them: one that breaks in between is not opened anew. */
  transaction(): Promise<Transaction>
  /** What the database's own clock zone was before the session took UTC. */
  zone(): Promise<string>
  /** Cuts the connection, whatever it is at. */
  cut(): void
  close(): Promise<void>
}

export interface Transaction {
  readonly query: Query
  commit(): Promise<void>
  /** Nothing to do where the connection broke: the database has rolled back by itself. */
  rollback(): Promise<void>
}

/** Text as it is on the wire: no digit of a number or of a time is lost to a parser. */
const AS_TEXT = { getTypeParser: () => (text: string) => text }

/** `optional`: PostgreSQL has it and Redshift has not. */
const SETTINGS: readonly { readonly text: string; readonly optional?: true }[] = [
  { text: "set datestyle to 'ISO, MDY'" },
  { text: "set timezone to 'UTC'" },
  { text: 'set extra_float_digits to 2' },
  // All rows of a cursor are read, so its plan may not be made for the first few.
  { text: 'set cursor_tuple_fraction to 1', optional: true },
]

export function openSession(options: RedshiftOptions): Session {
  let open: Promise<Opened> | null = null
  const opened = (): Promise<Opened> => {
    if (open !== null) return open
    // A connection that breaks late must not take with it the one that followed.
    const mine = connect(options, () => {
      if (open === mine) open = null
    })
    open = mine
    return mine
  }
  const forget = (): void => {
    open = null
  }
  const queryOf =
    (client: pg.Client): Query =>
    async (text, binds = []) => {
      try {
        return await rowsOf(client, text, binds)
      } catch (thrown) {
        const error = redshiftError(options, thrown)
        if (error.code === 'SOURCE_UNAVAILABLE') {
          forget()
          destroy(client)
        }
        throw error
      }
    }
  return {
    query: async (text, binds) => queryOf((await opened()).client)(text, binds),
    async transaction() {
      const query = queryOf((await opened()).client)
      await query('begin read only')
      return {
        query,
        commit: async () => void (await query('commit')),
        rollback: async () => void (await query('rollback').catch(() => undefined)),
      }
    },
    zone: async () => (await opened()).zone,
    cut() {
      const opening = open
      forget()
      opening?.then(({ client }) => destroy(client)).catch(() => undefined)
    },
    async close() {
      const opening = open
      forget()
      // What was never opened, or broke, has nothing to close.
      await opening?.then(({ client }) => client.end()).catch(() => undefined)
    },
  }
}

interface Opened {
  readonly client: pg.Client
  readonly zone: string
}

async function connect(options: RedshiftOptions, onBroken: () => void): Promise<Opened> {
  const { host, port, database, user, password } = options
  try {
    const client = new pg.Client({
      host,
      port,
      database,
      user,
      password,
      ssl: await tlsOf(options),
      connectionTimeoutMillis: options.connectTimeoutMs,
      keepAlive: true,
      application_name: 'sluice',
    })
    // Without a listener a connection that breaks while it is idle ends the process.
    client.on('error', onBroken)
    await client.connect()
    const [[zone = 'UTC'] = []] = await rowsOf(client, 'show timezone', [])
    for (const { text, optional } of SETTINGS) {
      await rowsOf(client, text, []).catch((error: unknown) => {
        if (optional !== true) throw error
      })
    }
    await rowsOf(client, `set statement_timeout to ${Math.trunc(options.statementTimeoutMs)}`, [])
    return { client, zone: zone ?? 'UTC' }
  } catch (thrown) {
    onBroken()
    throw redshiftError(options, thrown)
  }
}

async function rowsOf(client: pg.Client, text: string, binds: readonly string[]): Promise<WireRow[]> {
  const { rows } = await client.query<(string | null)[]>({
    text,
    rowMode: 'array',
    types: AS_TEXT,
    ...(binds.length === 0 ? {} : { values: [...binds] }),
  })
  return rows
}

async function tlsOf(options: RedshiftOptions): Promise<pg.ClientConfig['ssl']> {
  const { tls, tlsCaFile } = options
  if (tls === 'off') return false
  if (tls === 'require') return { rejectUnauthorized: false }
  const ca = tlsCaFile === null ? {} : { ca: [...rootCertificates, await readCa(options, tlsCaFile)] }
  return { rejectUnauthorized: true, ...ca }
}

async function readCa({ source }: RedshiftOptions, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const key = `sources.${source}.tls_ca`
    throw new SluiceError('SETTINGS_INVALID', `${key}: ${file} cannot be read`, { where: { key, file }, cause: error })
  }
}

function destroy(client: pg.Client): void {
  const { connection } = client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }
  connection.stream.destroy()
}
