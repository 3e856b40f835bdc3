/** `${VAR}` and `${VAR:default}` in a text; `$${` stands for a plain `${`. Pure. */

export type Interpolation =
  | {
      readonly kind: 'text'
      readonly text: string
      /** The text begins with what the environment gave: a path then starts at the working directory. */
      readonly fromEnvironment: boolean
    }
  | { readonly kind: 'undefined'; readonly variable: string }
  | { readonly kind: 'malformed'; readonly message: string }

export type Environment = Readonly<Record<string, string | undefined>>

const PART = /\$\$\{|\$\{(?<name>[A-Za-z_][A-Za-z0-9_]*)(?::(?<fallback>[^}]*))?\}|\$\{/g

/** A variable that is set to the empty text is defined: its default does not apply. */
export function interpolate(text: string, env: Environment): Interpolation {
  let result = ''
  let at = 0
  let fromEnvironment = false
  for (const match of text.matchAll(PART)) {
    result += text.slice(at, match.index)
    at = match.index + match[0].length
    const name = match.groups?.['name']
    const fallback = match.groups?.['fallback']
    if (match[0] === '$${') {
      result += '${'
    } else if (name === undefined) {
      return { kind: 'malformed', message: 'a ${ is not followed by NAME} or NAME:default}; write $${ for a plain one' }
    } else if (fallback?.includes('${') === true) {
      return { kind: 'malformed', message: `the default of \${${name}} may not hold another variable` }
    } else {
      const given = Object.hasOwn(env, name) ? env[name] : undefined
      const value = given ?? fallback
      if (value === undefined) return { kind: 'undefined', variable: name }
      if (result === '' && value !== '' && given !== undefined) fromEnvironment = true
      result += value
    }
  }
  return { kind: 'text', text: result + text.slice(at), fromEnvironment }
}
