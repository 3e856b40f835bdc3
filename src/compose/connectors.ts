import { createFilesConnector } from '../../connectors/files/files-connector.ts'
import { createKafkaConnector } from '../../connectors/kafka/kafka-connector.ts'
import { createSimulatorConnector } from '../../connectors/simulator/simulator-connector.ts'
import { SluiceError } from '../domain/errors.ts'
import type { SourceSettings } from '../domain/settings.ts'
import { CircuitBreaker } from '../extract/table/circuit-breaker.ts'
import { createTableConnector } from '../extract/table/table-connector.ts'
import type { ChangingTable } from '../ports/change-feed.ts'
import type { Clock } from '../ports/clock.ts'
import type { SourceConnector } from '../ports/source-connector.ts'
import type { TableSource } from '../ports/table-source.ts'
import type { OpenStore } from './stores.ts'

/** The connectors of one process: what they keep beyond a pass is kept by the source's name. */
export function openConnectors(clock: Clock, storeAt?: OpenStore): (settings: SourceSettings) => SourceConnector {
  const circuits = new Map<string, CircuitBreaker>()
  return (settings) => {
    const circuit = circuits.get(settings.name) ?? new CircuitBreaker(clock)
    circuits.set(settings.name, circuit)
    return openConnector(settings, { clock, storeAt, circuit })
  }
}

interface Kept {
  readonly clock: Clock
  /** For sources that read from buckets. */
  readonly storeAt: OpenStore | undefined
  readonly circuit: CircuitBreaker
}

/** A driver is loaded when it is first used, not before. */
function openConnector(settings: SourceSettings, { clock, storeAt, circuit }: Kept): SourceConnector {
  switch (settings.connector) {
    case 'files':
      return createFilesConnector({ ...settings, ...(storeAt === undefined ? {} : { storeAt }) })
    case 'kafka':
      return createKafkaConnector({
        settings,
        open: async () => (await import('./sources/other-cluster.ts')).openOtherSide(settings, clock),
      })
    case 'simulator':
      return createSimulatorConnector(settings)
    case 'redshift': {
      const table = openedLater(async () => {
        const { openRedshiftTable } = await import('../../connectors/redshift/redshift-table.ts')
        return openRedshiftTable({ settings, newId: () => clock.newId(), storeAt })
      })
      return createTableConnector({ settings, table, clock, circuit })
    }
    case 'snowflake': {
      const table = openedLater(async () => {
        const { openSnowflakeTable } = await import('../../connectors/snowflake/snowflake-table.ts')
        return openSnowflakeTable({ settings, newId: () => clock.newId() })
      })
      return createTableConnector({ settings, table, clock, circuit })
    }
    default: {
      const { name, connector } = settings
      throw new SluiceError(
        'SETTINGS_INVALID',
        `source ${name} asks for connector ${connector}, which this build does not have`,
        { where: { key: `sources.${name}.connector` } },
      )
    }
  }
}

function openedLater(open: () => Promise<TableSource | ChangingTable>): ChangingTable {
  let opening: ReturnType<typeof open> | null = null
  const opened = (): ReturnType<typeof open> => (opening ??= open())
  return {
    describe: async () => (await opened()).describe(),
    look: async (request) => (await opened()).look(request),
    async *rows(query, options) {
      yield* (await opened()).rows(query, options)
    },
    async feed() {
      const table = await opened()
      return 'feed' in table ? table.feed() : null
    },
    close: async () => (await opening)?.close(),
  }
}
