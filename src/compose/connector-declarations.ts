import { filesDeclaration } from '../../connectors/files/declaration.ts'
import { kafkaDeclaration } from '../../connectors/kafka/declaration.ts'
import { redshiftDeclaration } from '../../connectors/redshift/declaration.ts'
import { simulatorDeclaration } from '../../connectors/simulator/declaration.ts'
import { snowflakeDeclaration } from '../../connectors/snowflake/declaration.ts'
import type { ConnectorDeclaration } from '../domain/setting-declarations.ts'

/** The settings of every connector of this build. Data only: no connector is loaded for them. */
export const CONNECTOR_DECLARATIONS: readonly ConnectorDeclaration[] = [
  filesDeclaration,
  simulatorDeclaration,
  redshiftDeclaration,
  kafkaDeclaration,
  snowflakeDeclaration,
]
