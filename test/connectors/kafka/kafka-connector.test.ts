import { kafkaPromises } from './kafka-promises.ts'
import { openTwoFolders } from './two-folders.ts'

kafkaPromises('embedded log', openTwoFolders)
