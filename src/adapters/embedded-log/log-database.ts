import { mkdir, open } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { SluiceError } from '../../domain/errors.ts'
import type { Clock } from '../../ports/clock.ts'
import { isBusy, logError } from './log-error.ts'

/** How long SQLite may block this thread for a lock; past that the wait goes on without blocking it. */
const BLOCKING_WAIT_MS = 100
const LOCK_WAIT_MS = 30_000
/** Pages of 8 KiB: the write-ahead log is folded into the file once it holds 32 MiB, and then cut to that. */
const PAGE_BYTES = 8192
const CHECKPOINT_PAGES = 4096

/** Marks the file as ours ("SLOG"). */
const APPLICATION_ID = 0x534c4f47
const SCHEMA_VERSION = 1

/** Blobs stand in a table of their own, so that looking for a place reads no payload. */
const SCHEMA = `
create table cluster (id text not null) strict;
create table topics (
  id integer primary key autoincrement,
  topic text not null unique,
  source integer not null,
  retention_ms integer
) strict;
create table partitions (
  topic integer not null, partition integer not null,
  start integer not null, next integer not null, end_time_ms integer,
  primary key (topic, partition)
) strict, without rowid;
create table blobs (id integer primary key, data blob not null) strict;
create table batches (
  topic integer not null, partition integer not null, first integer not null,
  next integer not null, append_ms integer not null, bytes integer not null, blob integer not null,
  primary key (topic, partition, first)
) strict, without rowid;
create table sources (source text primary key, sequence integer not null) strict, without rowid;
create table source_entries (
  source text not null, entry text not null, value text not null,
  primary key (source, entry)
) strict, without rowid;
create table members (
  member text primary key, team text not null, wants text not null,
  host text not null, pid integer not null, started text, heartbeat_ms integer not null
) strict, without rowid;
create table leases (
  team text not null, resource text not null, member text not null,
  primary key (team, resource)
) strict, without rowid;
`

/**
 * The log's one file. Every call to `read` and `write` is one transaction: its work runs without giving up the thread,
 * sees one state, and is undone when it throws. What `write` resolved for is durable. Work may be run again after a
 * lock was not had, so it keeps its effects inside the database.
 */
export interface LogDatabase {
  readonly file: string
  readonly clusterId: string
  /** Integers come as bigint. Statements are prepared once. */
  sql(text: string): StatementSync
  read<T>(work: () => T): Promise<T>
  write<T>(work: () => T): Promise<T>
  /** Differs from the last answer whenever any process committed in between; costs no disk access. */
  changeMark(): string
  /** What is read next comes from the file, not from pages that were kept. */
  forgetPages(): void
  close(): void
}

export async function openLogDatabase({ dir, clock }: { dir: string; clock: Clock }): Promise<LogDatabase> {
  const file = join(resolve(dir), 'log.db')
  let db: DatabaseSync
  try {
    await makeFolder(resolve(dir))
    db = new DatabaseSync(file, { timeout: BLOCKING_WAIT_MS })
  } catch (error) {
    throw logError(error, file)
  }
  let closed = false
  const attempt = async <T>(work: () => T): Promise<T> => {
    let waitedMs = 0
    for (;;) {
      if (closed) throw new SluiceError('LOG_UNAVAILABLE', 'the embedded log was closed', { where: { file } })
      try {
        return work()
      } catch (error) {
        if (!isBusy(error) || waitedMs >= LOCK_WAIT_MS) throw logError(error, file)
      }
      const pauseMs = 5 + Math.floor(clock.random() * 20)
      await clock.sleep(pauseMs)
      waitedMs += BLOCKING_WAIT_MS + pauseMs
    }
  }
  try {
    const clusterId = await attempt(() => prepareFile(db, file, clock))
    const statements = new Map<string, StatementSync>()
    const sql = (text: string): StatementSync => {
      let statement = statements.get(text)
      if (statement === undefined) {
        statement = db.prepare(text)
        statement.setReadBigInts(true)
        statements.set(text, statement)
      }
      return statement
    }
    let ownCommits = 0
    return {
      file,
      clusterId,
      sql,
      read: (work) => attempt(() => transact(db, 'begin', work)),
      write: (work) =>
        attempt(() => {
          const result = transact(db, 'begin immediate', work)
          ownCommits += 1
          return result
        }),
      // SQLite's mark tells of other connections only, so our own commits are counted beside it.
      changeMark: () => `${ownCommits}/${String(sql('pragma data_version').get()?.['data_version'])}`,
      forgetPages: () => db.exec('pragma shrink_memory'),
      close: () => {
        if (closed) return
        closed = true
        db.close()
      },
    }
  } catch (error) {
    db.close()
    throw error
  }
}

function transact<T>(db: DatabaseSync, begin: string, work: () => T): T {
  db.exec(begin)
  try {
    const result = work()
    db.exec('commit')
    return result
  } catch (error) {
    // Some failures end the transaction by themselves.
    if (db.isTransaction) db.exec('rollback')
    throw error
  }
}

/** Safe to run in several processes at once, and again. Answers the cluster id. */
function prepareFile(db: DatabaseSync, file: string, clock: Clock): string {
  db.exec(`pragma page_size = ${PAGE_BYTES}`)
  // One state of the file: read one by one, its marks could be those of before and after another process made the log.
  transact(db, 'begin', () => checkOwner(db, file))
  db.exec('pragma journal_mode = wal')
  // FULL: a commit is on the disk before it returns. fullfsync matters on macOS only.
  db.exec('pragma synchronous = full')
  db.exec('pragma fullfsync = on')
  db.exec(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  db.exec(`pragma journal_size_limit = ${CHECKPOINT_PAGES * PAGE_BYTES}`)
  return transact(db, 'begin immediate', () => {
    if (checkOwner(db, file) === 'new') {
      db.exec(SCHEMA)
      db.prepare('insert into cluster (id) values (?)').run(clock.newId())
      db.exec(`pragma application_id = ${APPLICATION_ID}`)
      db.exec(`pragma user_version = ${SCHEMA_VERSION}`)
    }
    return String(db.prepare('select id from cluster').get()?.['id'])
  })
}

function checkOwner(db: DatabaseSync, file: string): 'new' | 'ours' {
  const owner = Number(db.prepare('pragma application_id').get()?.['application_id'])
  const version = Number(db.prepare('pragma user_version').get()?.['user_version'])
  const tables = Number(db.prepare('select count(*) as n from sqlite_schema').get()?.['n'])
  if (owner === 0 && version === 0 && tables === 0) return 'new'
  if (owner !== APPLICATION_ID) {
    throw new SluiceError('LOG_CORRUPT', `${file} is a database, but not an embedded log`, {
      where: { file },
      hint: 'Name another folder for the embedded log, or move that file away.',
    })
  }
  if (version !== SCHEMA_VERSION) {
    throw new SluiceError(
      'LOG_UNSUPPORTED',
      `the embedded log ${file} has schema version ${version}, and this Sluice knows version ${SCHEMA_VERSION}`,
      { where: { file } },
    )
  }
  return 'ours'
}

/** A folder that a power cut forgets would take the log along. */
async function makeFolder(dir: string): Promise<void> {
  const made = await mkdir(dir, { recursive: true })
  if (made === undefined) return
  for (let at = dir; at.length >= dirname(made).length; at = dirname(at)) {
    const folder = await open(at, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
    if (at === dirname(at)) return
  }
}
