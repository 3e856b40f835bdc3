import { runbookAnchor } from '../../domain/errors.ts'
import type { ErrorWhere, SluiceError } from '../../domain/errors.ts'

/** An error for people: what happened, where, what to do, where to read on. */
export function formatError(error: SluiceError): string {
  const where = formatWhere(error.where)
  return [
    `error ${error.code}: ${error.message}`,
    ...(where === '' ? [] : [`  where:   ${where}`]),
    `  do:      ${error.hint}`,
    `  runbook: ${runbookAnchor(error.code)}`,
    '',
  ].join('\n')
}

export function formatWhere(where: ErrorWhere): string {
  const parts: string[] = []
  if (where.file !== undefined) parts.push(where.line === undefined ? where.file : `${where.file}:${where.line}`)
  if (where.key !== undefined) parts.push(`key ${where.key}`)
  if (where.topic !== undefined) {
    const partition = where.partition === undefined ? '' : `/${where.partition}`
    parts.push(`topic ${where.topic}${partition}`)
  }
  if (where.offset !== undefined) parts.push(`offset ${where.offset}`)
  if (where.table !== undefined) parts.push(`table ${where.table}`)
  if (where.model !== undefined) parts.push(`model ${where.model}`)
  if (where.source !== undefined) parts.push(`source ${where.source}`)
  if (where.subject !== undefined) parts.push(`subject ${where.subject}`)
  if (where.version !== undefined) parts.push(`version ${where.version}`)
  return parts.join(', ')
}
