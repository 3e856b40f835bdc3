/** Rows as aligned columns for people. Control characters are shown as escapes, so that data cannot drive a terminal. */

export type Cell = string | number | bigint | boolean | null | undefined

export interface TableForm {
  readonly heads: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  /** Longer cells are cut; 60 unless told. */
  readonly maxCell?: number
}

export function formatTable({ heads, rows, maxCell = 60 }: TableForm): string {
  const texts = rows.map((row) => heads.map((_, i) => cellText(row[i], maxCell)))
  const right = heads.map((_, i) => rows.length > 0 && rows.every((row) => isNumeric(row[i])))
  const widths = heads.map((head, i) => Math.max(width(head), ...texts.map((row) => width(row[i] ?? ''))))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => {
        const pad = ' '.repeat(widths[i]! - width(cell))
        return right[i] === true ? pad + cell : cell + pad
      })
      .join('  ')
      .trimEnd()
  return [line(heads), ...texts.map(line)].join('\n')
}

export function cellText(value: Cell, maxCell = 60): string {
  if (value === null || value === undefined) return '-'
  const text = escapeControls(String(value))
  const points = Array.from(text)
  return points.length > maxCell ? `${points.slice(0, maxCell - 1).join('')}…` : text
}

export function escapeControls(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (c) => {
    return c === '\n' ? '\\n' : c === '\t' ? '\\t' : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

function isNumeric(value: Cell): boolean {
  return (
    value === null ||
    value === undefined ||
    typeof value === 'number' ||
    typeof value === 'bigint' ||
    (typeof value === 'string' && /^-?\d+(\.\d+)?%?$/.test(value))
  )
}

function width(text: string): number {
  return Array.from(text).length
}
