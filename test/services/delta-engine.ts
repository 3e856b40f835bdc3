import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { ARROW_CELLS } from './arrow-cells.ts'
import { reasonToSkip, type Skip } from './cache.ts'
import { findJava, mavenLibraries } from './maven.ts'
import { readyEnvironment } from './python.ts'

/**
 * Other engines of Delta tables as processes that live through a whole test: one line of JSON in is one line of JSON out.
 * Where a statement stands in SQL, `t` is the table, and the words are those that both engines have.
 */
export interface DeltaEngine {
  readonly name: EngineName
  /** A table as the engine finds it, from its place anew. */
  read(uri: string, apps?: readonly string[]): Promise<SeenTable>
  /** Rows that an equality on each plain column finds, which are those of a whole scan: `[column, found, held]`. */
  probe(uri: string): Promise<readonly (readonly [column: string, found: number, held: number])[]>
  /**
   * Rows that conditions on each column without inner ones find, by the engine's way that leaves files out by statistics
   * (deltalake's datasets, Spark's frames), and those of a whole scan.
   */
  filters(uri: string): Promise<readonly FoundRows[]>
  /** Appends what a SELECT over `t` gives. */
  append(uri: string, select: string): Promise<void>
  remove(uri: string, condition: string): Promise<void>
  /** MERGE by one column: rows that match take the columns of `set` from the SELECT's, others are inserted. */
  merge(uri: string, merge: EngineMerge): Promise<void>
  /** Compacts all small files; with columns, clusters by them. */
  optimize(uri: string, zorder?: readonly string[]): Promise<void>
  /** All that no current version needs, whatever its age. */
  vacuum(uri: string): Promise<void>
  /** A statement of the engine's own, with `{t}` for the table. */
  run(uri: string, statement: string): Promise<void>
  close(): Promise<void>
}

export type EngineName = 'deltalake' | 'spark'

export interface FoundRows {
  readonly column: string
  readonly condition: string
  readonly found: number
  readonly held: number
}

export interface EngineMerge {
  readonly select: string
  readonly on: string
  readonly set: readonly string[]
}

export interface SeenTable {
  readonly version: number
  /** Delta's own schema JSON, metadata of fields left out. */
  readonly schema: readonly { readonly name: string; readonly type: unknown; readonly nullable: boolean }[]
  readonly partitions: readonly string[]
  /** Cells as `arrowCell` gives them, by column. */
  readonly columns: Readonly<Record<string, readonly unknown[]>>
  /** By the engine's own aggregation: rows, then the sum of each integer and decimal column, as exact text. */
  readonly rows: number
  readonly sums: Readonly<Record<string, string | null>>
  readonly txns: readonly (number | null)[]
}

const SPARK = ['pyspark==4.0.1', 'pyarrow==22.0.0']
const DELTALAKE = ['deltalake==1.6.6', 'pyarrow==22.0.0']
const DELTA_JARS = ['io.delta:delta-spark_2.13:4.0.0']
/** S3A of the Hadoop that Spark 4.0.1 brings. Its bundle of the whole AWS SDK has half a gigabyte; these modules are what it uses. */
const AWS_SDK = '2.25.53'
const S3A_JARS = [
  'org.apache.hadoop:hadoop-aws:3.4.1:alone',
  ...['s3', 's3-transfer-manager', 'sts', 'apache-client'].map((name) => `software.amazon.awssdk:${name}:${AWS_SDK}`),
  'org.wildfly.openssl:wildfly-openssl:1.1.3.Final',
]

/** For `test`'s `skip`: why the engine cannot be had here, or false. With `CI=true` a missing one throws. */
export function engineMissing(name: EngineName): Promise<Skip> {
  return reasonToSkip(async () => {
    if (name === 'deltalake') return readyEnvironment(DELTALAKE)
    await findJava()
    await mavenLibraries('delta-spark', DELTA_JARS)
    return readyEnvironment(SPARK)
  })
}

/** The same of Spark's way to S3. */
export function sparkS3Missing(): Promise<Skip> {
  return reasonToSkip(async () => {
    await engineMissing('spark')
    await mavenLibraries('s3a', S3A_JARS)
  })
}

export interface EngineOptions {
  /** What the engine needs to reach an object store, by its own names; Spark then takes S3A with it. */
  readonly storage?: Readonly<Record<string, string>>
}

/** Spark takes some ten seconds to start and warm up. Close it, or it lives as long as the test's process. */
export async function startEngine(name: EngineName, { storage = {} }: EngineOptions = {}): Promise<DeltaEngine> {
  const python = await readyEnvironment(name === 'spark' ? SPARK : DELTALAKE)
  const setUp = name === 'spark' ? sparkScript(await sparkJars(storage)) : DELTALAKE_SCRIPT
  const script = `${ARROW_CELLS}${SHARED}\nSTORAGE = json.loads(sys.argv[1])\n${setUp}\nserve()\n`
  const env = { ...process.env, TZ: 'UTC', PYTHONIOENCODING: 'utf-8' }
  return new PythonEngine(name, spawn(python, ['-c', script, JSON.stringify(storage)], { env }))
}

class PythonEngine implements DeltaEngine {
  readonly name: EngineName
  readonly #process: ChildProcessWithoutNullStreams
  readonly #answers: AsyncIterator<string>
  readonly #lines: Interface
  #stderr = ''
  #turn: Promise<unknown> = Promise.resolve()

  constructor(name: EngineName, child: ChildProcessWithoutNullStreams) {
    this.name = name
    this.#process = child
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-8000)
    })
    child.stdin.on('error', () => {})
    this.#lines = createInterface({ input: child.stdout })
    this.#answers = this.#lines[Symbol.asyncIterator]()
  }

  read(uri: string, apps: readonly string[] = []): Promise<SeenTable> {
    return this.#ask('read', uri, apps)
  }

  probe(uri: string): Promise<[string, number, number][]> {
    return this.#ask('probe', uri)
  }

  filters(uri: string): Promise<FoundRows[]> {
    return this.#ask('filters', uri)
  }

  append(uri: string, select: string): Promise<void> {
    return this.#ask('append', uri, select)
  }

  remove(uri: string, condition: string): Promise<void> {
    return this.#ask('remove', uri, condition)
  }

  merge(uri: string, { select, on, set }: EngineMerge): Promise<void> {
    return this.#ask('merge', uri, select, on, set)
  }

  optimize(uri: string, zorder: readonly string[] = []): Promise<void> {
    return this.#ask('optimize', uri, zorder)
  }

  vacuum(uri: string): Promise<void> {
    return this.#ask('vacuum', uri)
  }

  run(uri: string, statement: string): Promise<void> {
    return this.#ask('run', uri, statement)
  }

  async close(): Promise<void> {
    const closed = this.#process.exitCode === null ? once(this.#process, 'close') : null
    this.#process.stdin.end()
    const late = setTimeout(() => this.#process.kill('SIGKILL'), 10_000)
    await closed
    clearTimeout(late)
    this.#lines.close()
  }

  /** One at a time, in the order in which they were asked. */
  #ask<T>(...command: readonly unknown[]): Promise<T> {
    const answer = this.#turn.then(() => this.#exchange(command) as Promise<T>)
    this.#turn = answer.catch(() => {})
    return answer
  }

  async #exchange(command: readonly unknown[]): Promise<unknown> {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`)
    const line = await this.#answers.next()
    if (line.done === true) throw new Error(`${this.name} has ended:\n${this.#stderr}`)
    const answer = JSON.parse(line.value) as { ok: unknown } | { error: string }
    if ('error' in answer) throw new Error(`${this.name} ${String(command[0])}: ${answer.error}`)
    return answer.ok
  }
}

/** What is printed by others goes to stderr; an engine's threads would abort an interpreter that clears up after itself. */
const SHARED = `
import os, traceback
answers = os.fdopen(os.dup(1), 'w', encoding='utf-8')
os.dup2(2, 1)
verbs = {}
def verb(f):
    verbs[f.__name__] = f
def serve():
    for line in sys.stdin:
        name, *args = json.loads(line)
        try:
            answer = {'ok': verbs[name](*args)}
        except Exception as e:
            answer = {'error': (type(e).__name__ + ': ' + str(e))[:3000]}
        answers.write(json.dumps(answer) + '\\n')
        answers.flush()
    os._exit(0)
def bare(type):
    if not isinstance(type, dict): return type
    return {k: [{'name': f['name'], 'type': bare(f['type']), 'nullable': f['nullable']} for f in v] if k == 'fields'
            else bare(v) for k, v in type.items()}
def seen(table, version, schema, partitions, counted, txns):
    rows, sums = counted
    return {'version': version, 'schema': bare(json.loads(schema))['fields'], 'partitions': partitions, 'txns': txns,
            'columns': dict(zip(table.schema.names, columns(table))), 'rows': rows, 'sums': sums}
def summed(fields):
    for f in fields:
        t = f['type']
        if t in ('integer', 'long') or (isinstance(t, str) and t.startswith('decimal')): yield f['name']
def exact(v):
    return None if v is None else str(v)
def plain(table):
    for f in table.schema:
        t = f.type
        if pa.types.is_nested(t) or pa.types.is_floating(t) or pa.types.is_binary(t) or pa.types.is_large_binary(t): continue
        values = [v for v in table.column(f.name).to_pylist() if v is not None]
        if values: yield f.name, values[len(values) // 2], values
def conditions(table):
    for f in table.schema:
        if pa.types.is_nested(f.type): continue
        all = table.column(f.name).to_pylist()
        yield f, 'is null', None, sum(v is None for v in all)
        values = sorted(v for v in all if v is not None and v == v)
        for v in {values[0], values[len(values) // 2], values[-1]} if values else []:
            yield f, '=', v, sum(w == v for w in values)
        if not values or pa.types.is_binary(f.type) or pa.types.is_large_binary(f.type): continue
        yield f, '<=', values[0], sum(w <= values[0] for w in values)
        if not pa.types.is_floating(f.type): yield f, '>=', values[-1], sum(w >= values[-1] for w in values)
def conditioned(field, op, value):
    return {'=': lambda: field == value, '<=': lambda: field <= value, '>=': lambda: field >= value}[op]()
def found_rows(f, op, value, found, held):
    return {'column': f.name, 'condition': op if value is None else '%s %s' % (op, value), 'found': found, 'held': held}
`

const DELTALAKE_SCRIPT = `
import deltalake
def literal(t, v):
    if pa.types.is_timestamp(t): return "timestamp '%s'" % v.isoformat()
    if pa.types.is_date(t): return "date '%s'" % v.isoformat()
    if pa.types.is_decimal(t): return "cast('%s' as decimal(%d, %d))" % (v, t.precision, t.scale)
    return str(v) if isinstance(v, (bool, int)) else "'%s'" % v.replace("'", "''")
import pyarrow.compute as pc
def opened(uri): return deltalake.DeltaTable(uri, storage_options=STORAGE)
def selected(dt, select):
    return pa.table(deltalake.QueryBuilder().register('t', dt).execute(select).read_all())
@verb
def read(uri, apps):
    dt = opened(uri)
    table = dt.to_pyarrow_table()
    schema = dt.schema().to_json()
    names = list(summed(json.loads(schema)['fields']))
    sums = {n: exact(pc.sum(table[n]).as_py()) for n in names}
    counted = selected(dt, 'select count(*) as n from t')['n'][0].as_py()
    return seen(table, dt.version(), schema, dt.metadata().partition_columns, (counted, sums), [dt.transaction_version(a) for a in apps])
@verb
def probe(uri):
    dt = opened(uri)
    table = dt.to_pyarrow_table()
    asked = {name: selected(dt, 'select count(*) as n from t where %s = %s' % (name, literal(table.field(name).type, value)))
             for name, value, _ in plain(table)}
    return [[name, asked[name]['n'][0].as_py(), sum(v == value for v in values)] for name, value, values in plain(table)]
import pyarrow.dataset as ds
@verb
def filters(uri):
    data = opened(uri).to_pyarrow_dataset()
    def found(f, op, value):
        field = ds.field(f.name)
        return data.count_rows(filter=field.is_null() if value is None else conditioned(field, op, pa.scalar(value, f.type)))
    return [found_rows(f, op, value, found(f, op, value), held) for f, op, value, held in conditions(opened(uri).to_pyarrow_table())]
@verb
def append(uri, select):
    dt = opened(uri)
    deltalake.write_deltalake(dt, selected(dt, select), mode='append')
@verb
def remove(uri, condition):
    opened(uri).delete(condition)
@verb
def merge(uri, select, on, names):
    dt = opened(uri)
    source = selected(dt, select)
    (dt.merge(source=source, predicate='t.%s = s.%s' % (on, on), source_alias='s', target_alias='t')
        .when_matched_update({n: 's.' + n for n in names}).when_not_matched_insert_all().execute())
@verb
def optimize(uri, zorder):
    dt = opened(uri)
    if zorder: dt.optimize.z_order(zorder)
    else: dt.optimize.compact()
@verb
def vacuum(uri):
    opened(uri).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
@verb
def run(uri, statement):
    exec(statement, {'dt': opened(uri), 'deltalake': deltalake, 'pa': pa})
`

/** Patterns of files. */
async function sparkJars(storage: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const delta = `${await mavenLibraries('delta-spark', DELTA_JARS)}/lib/delta-*.jar`
  return Object.keys(storage).length === 0 ? [delta] : [delta, `${await mavenLibraries('s3a', S3A_JARS)}/lib/*.jar`]
}

function sparkScript(jars: readonly string[]): string {
  return `
import glob
os.environ['SPARK_LOCAL_IP'] = '127.0.0.1'
os.environ['JAVA_TOOL_OPTIONS'] = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'
from pyspark.sql import SparkSession, functions as F
jars = [p for pattern in ${JSON.stringify(jars)} for p in glob.glob(pattern)]
spark = (SparkSession.builder.master('local[1]')
    .config('spark.jars', ','.join(jars))
    .config('spark.sql.extensions', 'io.delta.sql.DeltaSparkSessionExtension')
    .config('spark.sql.catalog.spark_catalog', 'org.apache.spark.sql.delta.catalog.DeltaCatalog')
    .config('spark.databricks.delta.snapshotPartitions', '1')
    .config('spark.databricks.delta.retentionDurationCheck.enabled', 'false')
    .config('spark.databricks.delta.vacuum.parallelDelete.enabled', 'false')
    .config('spark.ui.enabled', 'false')
    .config('spark.driver.bindAddress', '127.0.0.1')
    .config('spark.driver.host', '127.0.0.1')
    .config('spark.driver.memory', '1g')
    .config('spark.sql.session.timeZone', 'UTC')
    .config('spark.sql.shuffle.partitions', '1')
    .config('spark.default.parallelism', '1')
    .config('spark.sql.sources.parallelPartitionDiscovery.parallelism', '1')
    .config('spark.sql.warehouse.dir', '/nonexistent')
    .config('spark.log.level', 'ERROR')
    .config(map=STORAGE)
    .getOrCreate())
def log_of(uri):
    return spark._jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, uri)
def frame(uri): return spark.read.format('delta').load(uri)
def selected(uri, select):
    frame(uri).createOrReplaceTempView('t')
    return spark.sql(select)
def at(uri): return 'delta.\`' + uri + '\`'
def version_of(found, app):
    return int(found.get(app).get()) if found.get(app).isDefined() else None
@verb
def read(uri, apps):
    snapshot = log_of(uri).update(False, spark._jvm.scala.Option.apply(None), spark._jvm.scala.Option.apply(None))
    data = frame(uri)
    metadata = snapshot.metadata()
    schema = metadata.schemaString()
    names = list(summed(json.loads(schema)['fields']))
    first = data.agg(F.count(F.lit(1)), *[F.sum(n) for n in names]).first()
    columns_ = metadata.partitionColumns()
    partitions = [columns_.apply(i) for i in range(columns_.length())]
    txns = snapshot.transactions()
    return seen(data.toArrow(), snapshot.version(), schema, partitions,
        (first[0], {n: exact(v) for n, v in zip(names, first[1:])}), [version_of(txns, a) for a in apps])
@verb
def probe(uri):
    data = frame(uri)
    return [[name, data.where(F.col(name) == F.lit(value)).count(), sum(v == value for v in values)]
            for name, value, values in plain(data.toArrow())]
@verb
def filters(uri):
    data = frame(uri)
    def found(f, op, value):
        field = F.col(f.name)
        return data.where(field.isNull() if value is None else conditioned(field, op, F.lit(value)))
    asked = [(f, op, value, held) for f, op, value, held in conditions(data.toArrow())]
    counts = None
    for at, (f, op, value, _) in enumerate(asked):
        count = found(f, op, value).agg(F.lit(at).alias('at'), F.count(F.lit(1)).alias('n'))
        counts = count if counts is None else counts.unionAll(count)
    rows = {row['at']: row['n'] for row in counts.collect()}
    return [found_rows(f, op, value, rows[at], held) for at, (f, op, value, held) in enumerate(asked)]
@verb
def append(uri, select):
    selected(uri, select).write.format('delta').mode('append').save(uri)
@verb
def remove(uri, condition):
    spark.sql('delete from ' + at(uri) + ' where ' + condition)
@verb
def merge(uri, select, on, names):
    selected(uri, select).createOrReplaceTempView('s')
    sets = ', '.join('t.%s = s.%s' % (n, n) for n in names)
    spark.sql('merge into %s as t using s on t.%s = s.%s when matched then update set %s when not matched then insert *'
        % (at(uri), on, on, sets))
@verb
def optimize(uri, zorder):
    spark.sql('optimize ' + at(uri) + (' zorder by (' + ', '.join(zorder) + ')' if zorder else ''))
@verb
def vacuum(uri):
    spark.sql('vacuum ' + at(uri) + ' retain 0 hours')
@verb
def run(uri, statement):
    spark.sql(statement.replace('{t}', at(uri)))
`
}
