import { reasonToSkip } from './cache.ts'
import { findJava } from './maven.ts'
import { findPython } from './python.ts'
import type { PythonFound } from './python.ts'

/** Spark in local mode, out of PyPI, on the Java of the machine. A session takes some ten seconds to start: one a test file. */

const REQUIREMENTS = ['pyspark==4.0.1', 'pyarrow==22.0.0']

/** As `findPython`, with pyspark; skipped too where there is no Java. */
export async function findSpark(): Promise<PythonFound> {
  const skip = await reasonToSkip(findJava)
  return skip === false ? findPython(REQUIREMENTS) : { skip }
}

/** Python that makes `spark`: one thread, UTC, nothing listening but on loopback. */
export const SPARK_SESSION = `
import os
os.environ['SPARK_LOCAL_IP'] = '127.0.0.1'
from pyspark.sql import SparkSession
spark = (SparkSession.builder.master('local[1]')
    .config('spark.ui.enabled', 'false')
    .config('spark.driver.bindAddress', '127.0.0.1')
    .config('spark.driver.host', '127.0.0.1')
    .config('spark.driver.memory', '1g')
    .config('spark.sql.session.timeZone', 'UTC')
    .config('spark.sql.shuffle.partitions', '1')
    .config('spark.log.level', 'ERROR')
    .getOrCreate())
`
