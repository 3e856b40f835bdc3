/**
 * A pattern over paths: `*` and `?` within a name, `**` over any number of folders. All else stands for itself. As in a
 * shell, a leading dot is matched only by a dot, so files that another program is still writing under a dot name are
 * left alone.
 */
export function globToRegExp(pattern: string): RegExp {
  const parts = pattern.split('/').map((part, index, all) => {
    const last = index === all.length - 1
    if (part === '**') return last ? `(?:${NAME}/)*${NAME}` : `(?:${NAME}/)*`
    const guard = /^[*?]/.test(part) ? '(?!\\.)' : ''
    const body = part.replaceAll(/[*?]|[^*?]+/g, (piece) =>
      piece === '*' ? '[^/]*' : piece === '?' ? '[^/]' : piece.replaceAll(/[\\^$.|+()[\]{}/]/g, '\\$&'),
    )
    return guard + body + (last ? '' : '/')
  })
  return new RegExp(`^${parts.join('')}$`, 'su')
}

const NAME = '(?!\\.)[^/]+'
