/** What a route answers; the server adds the headers that every answer carries. */
export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly headers?: AnswerHeaders
}

export type AnswerHeaders = Readonly<Record<string, string | string[]>>

export interface Route {
  readonly path: string
  /** `open`: for probes and scrapers, without the token. */
  readonly access: 'open' | 'token'
  answer(query: URLSearchParams): Promise<Answer> | Answer
}

export const JSON_TYPE = 'application/json; charset=utf-8'
export const TEXT_TYPE = 'text/plain; charset=utf-8'

/** Offsets and other bigints as strings, as under `--json`. */
export function jsonAnswer(value: unknown, status = 200): Answer {
  const body = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : item))
  return { status, type: JSON_TYPE, body: `${body}\n` }
}

export function textAnswer(text: string, status = 200): Answer {
  return { status, type: TEXT_TYPE, body: text.endsWith('\n') ? text : `${text}\n` }
}
