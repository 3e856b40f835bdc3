import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Route } from '../answer.ts'

const FOLDER = join(import.meta.dirname, '../page')

/** The page and its parts, read once. It holds no data: its script asks /api. */
export function pageRoutes(): Route[] {
  return [
    pageRoute('/', 'index.html', 'text/html; charset=utf-8'),
    pageRoute('/page.css', 'page.css', 'text/css; charset=utf-8'),
    pageRoute('/page.js', 'page.js', 'text/javascript; charset=utf-8'),
  ]
}

function pageRoute(path: string, file: string, type: string): Route {
  const body = readFileSync(join(FOLDER, file), 'utf8')
  return { path, access: 'token', answer: () => ({ status: 200, type, body }) }
}
