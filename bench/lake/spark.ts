import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mavenLibraries } from '../../test/services/maven.ts'
import { findPython } from '../../test/services/python.ts'
import type { Measured } from '../measure.ts'

/**
 * Spark 4.0.1 with delta-spark 4.0.0 on this machine's two cores, in a session that has started and has read and
 * written a Delta table before: its start and first warm-up are not counted.
 */

const SESSION = `
import json, os, sys, tempfile, time
os.environ['SPARK_LOCAL_IP'] = '127.0.0.1'
from pyspark.sql import SparkSession
jars, lake = sys.argv[1], sys.argv[2]
spark = (SparkSession.builder.master('local[2]')
    .config('spark.jars', jars)
    .config('spark.sql.extensions', 'io.delta.sql.DeltaSparkSessionExtension')
    .config('spark.sql.catalog.spark_catalog', 'org.apache.spark.sql.delta.catalog.DeltaCatalog')
    .config('spark.ui.enabled', 'false')
    .config('spark.driver.bindAddress', '127.0.0.1')
    .config('spark.driver.host', '127.0.0.1')
    .config('spark.driver.memory', '4g')
    .config('spark.sql.session.timeZone', 'UTC')
    .config('spark.sql.shuffle.partitions', '8')
    .config('spark.sql.warehouse.dir', tempfile.mkdtemp())
    .config('spark.local.dir', os.path.join(lake, '_spark'))
    .config('spark.log.level', 'ERROR')
    .getOrCreate())
java = spark.sparkContext._gateway.proc.pid
with tempfile.TemporaryDirectory() as warm:
    spark.range(1000).selectExpr('id', 'cast(id % 7 as string) as k').write.format('delta').save(warm)
    spark.read.format('delta').load(warm).groupBy('k').count().collect()
def cpu():
    with open(f'/proc/{java}/stat') as f: fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
def peak():
    with open(f'/proc/{java}/status') as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith('VmHWM'))
def view(name, path): spark.read.format('delta').load(os.path.join(lake, path)).createOrReplaceTempView(name)
began, cpu_began = time.time(), cpu()
`
const REPORT = `
print(json.dumps({'wallSeconds': time.time() - began, 'cpuSeconds': cpu() - cpu_began, 'peakBytes': peak()}))
spark.stop()
`

/**
 * Runs a script of this folder over a lake. Null where Java, Maven or Python is missing, which is said, and with
 * `SLUICE_BENCH_SPARK=none`.
 */
export async function measureSpark(
  script: string,
  { lake, say }: { readonly lake: string; readonly say: (line: string) => void },
): Promise<Measured | null> {
  if (process.env['SLUICE_BENCH_SPARK'] === 'none') return null
  const found = await findPython(['pyspark==4.0.1', 'pyarrow==22.0.0'])
  if (found.skip !== false) {
    say(`no Spark beside it: ${found.skip}`)
    return null
  }
  const lib = join(await mavenLibraries('delta-spark', ['io.delta:delta-spark_2.13:4.0.0']), 'lib')
  const jars = ['delta-spark_2.13-4.0.0.jar', 'delta-storage-4.0.0.jar'].map((jar) => join(lib, jar)).join(',')
  const own = await readFile(join(import.meta.dirname, script), 'utf8')
  return (await found.python.json(`${SESSION}\n${own}\n${REPORT}`, jars, lake)) as Measured
}
