// Asks /api every few seconds and draws what it says. All text goes in as text, never as markup.

const EVERY_MS = 5_000
const TONES = {
  running: 'good',
  idle: 'calm',
  paused: 'warn',
  stopped: 'bad',
  passed: 'good',
  warned: 'warn',
  bypassed: 'warn',
  blocked: 'bad',
}
const GRAVITY = ['idle', 'running', 'paused', 'stopped']

// Relative, for a proxy that serves us below a path; without what a URL may hold of a name and password.
const base = new URL('.', location.href)
base.username = ''
base.password = ''

const byId = (id) => document.getElementById(id)

function element(name, { text, tone, title } = {}, children = []) {
  const made = document.createElement(name)
  if (text !== undefined) made.textContent = text
  if (tone !== undefined) made.className = tone
  if (title) made.title = title
  made.append(...children)
  return made
}

const badge = (state, title) => element('span', { text: state, tone: `badge ${TONES[state] ?? 'calm'}`, title })

function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–'
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

const figure = (value) => (value === null || value === undefined ? '–' : Number(value).toLocaleString('en'))

const sinceOf = (iso) => (iso === null ? '–' : `${duration((Date.now() - Date.parse(iso)) / 1000)} ago`)

/** `columns`: [head, kind]; kind `figure` is set to the right, `wide` may wrap. A cell is a text or an element. */
function table(id, columns, rows, none) {
  const place = byId(id).querySelector('div')
  if (rows.length === 0) {
    place.replaceChildren(element('p', { text: none, tone: 'none' }))
    return
  }
  const heads = columns.map(([text, kind]) => element('th', { text, tone: kind ?? '' }))
  const lines = rows.map((cells) =>
    element(
      'tr',
      {},
      cells.map((cell, at) => {
        const made = element('td', { tone: columns[at][1] ?? '' })
        made.append(cell ?? '–')
        return made
      }),
    ),
  )
  place.replaceChildren(
    element('table', {}, [element('thead', {}, [element('tr', {}, heads)]), element('tbody', {}, lines)]),
  )
}

const gravest = (states) => states.reduce((a, b) => (GRAVITY.indexOf(b) > GRAVITY.indexOf(a) ? b : a), 'idle')

/** Partitions of one table as one line. */
function laneGroups(lanes, lag) {
  const groups = new Map()
  for (const lane of lanes) {
    const group = groups.get(lane.table) ?? { table: lane.table, topic: lane.topic, lanes: [] }
    group.lanes.push(lane)
    groups.set(lane.table, group)
  }
  return [...groups.values()].map((group) => {
    const behind = lag.partitions.filter((each) => each.table === group.table)
    return {
      ...group,
      state: gravest(group.lanes.map((lane) => lane.state)),
      lag: behind.reduce((sum, each) => sum + each.lag, 0),
      seconds: behind.reduce((most, each) => Math.max(most, each.lag_seconds ?? 0), 0),
      landed: group.lanes.reduce((sum, lane) => sum + Number(lane.next ?? 0), 0),
    }
  })
}

function tile(value, words, tone) {
  return element('div', {}, [element('b', { text: value, tone: tone ?? '' }), element('span', { text: words })])
}

function draw({ status, lag, refusals, ready }) {
  const parts = [
    ...status.sources.map((part) => ({ name: `source ${part.source}`, ...part })),
    ...status.lanes.map((part) => ({ name: part.lane, ...part })),
    ...status.models.map((part) => ({ name: `model ${part.model}`, ...part })),
  ]
  const blocked = status.gates.filter(({ outcome, table }) => outcome === 'blocked' && table.startsWith('bronze.'))
  const held = parts.filter(({ state }) => state === 'stopped' || state === 'paused')
  const stopped = held.filter(({ state }) => state === 'stopped').length
  const { letters } = refusals
  const records = lag.partitions.reduce((sum, each) => sum + each.lag, 0)
  const oldest = lag.partitions.reduce((most, each) => Math.max(most, each.lag_seconds ?? 0), 0)
  const behind = status.models.filter((model) => model.behind).length
  const groups = laneGroups(status.lanes, lag)
  const freshness = new Map(lag.tables.map((each) => [each.table, each.freshness_seconds]))

  const down = ready.services.filter((service) => !service.ready)
  const readyText = ready.draining
    ? 'ending'
    : down.length === 0
      ? 'ready'
      : `not ready: ${down.map(({ service }) => service).join(', ')}`
  byId('ready').textContent = readyText
  byId('ready').className = `badge ${ready.ready ? 'good' : 'bad'}`
  byId('ready').title = down.map(({ code, reason }) => `${code}: ${reason}`).join('\n')
  byId('run').textContent = `run ${status.run_id.slice(0, 8)}`
  byId('run').title = status.run_id
  byId('at').textContent = new Date(status.at).toLocaleTimeString()

  byId('tiles').replaceChildren(
    tile(figure(stopped), 'stopped', stopped > 0 ? 'bad' : 'good'),
    tile(figure(records), 'records behind', records > 0 ? 'warn' : 'good'),
    tile(duration(oldest), 'oldest record not landed'),
    tile(figure(letters), 'refused records open', letters > 0 ? 'warn' : 'good'),
    tile(
      `${status.models.length - behind} / ${status.models.length}`,
      'models up to date',
      behind > 0 ? 'warn' : 'good',
    ),
  )

  byId('todo').hidden = held.length === 0 && blocked.length === 0 && status.models_error === null
  const faults =
    status.models_error === null
      ? []
      : [['models', badge('stopped'), status.models_error.code, status.models_error.message, status.models_error.hint]]
  table(
    'todo',
    [['what'], ['state'], ['code'], ['why', 'wide'], ['do', 'wide']],
    [
      ...held.map((part) => [
        part.name,
        badge(part.state, part.since ?? ''),
        part.code ?? '–',
        part.message ?? part.reason ?? '–',
        part.next_command === null ? (part.hint ?? '–') : element('code', { text: part.next_command }),
      ]),
      ...blocked.map((gate) => [
        `gate of ${gate.table}`,
        badge('blocked', gate.since),
        'GATE_BLOCKED',
        gate.reason,
        element('code', { text: gate.next_command }),
      ]),
      ...faults,
    ],
    '',
  )
  table(
    'sources',
    [['source'], ['state'], ['connector'], ['topic'], ['appends', 'figure']],
    status.sources.map((each) => [each.source, badge(each.state), each.connector, each.topic, figure(each.sequence)]),
    'The settings name no sources.',
  )
  table(
    'lanes',
    [
      ['table'],
      ['state'],
      ['topic'],
      ['partitions', 'figure'],
      ['records passed', 'figure'],
      ['behind', 'figure'],
      ['oldest', 'figure'],
      ['last commit', 'figure'],
    ],
    groups.map((each) => [
      each.table,
      badge(each.state),
      each.topic,
      figure(each.lanes.length),
      figure(each.landed),
      figure(each.lag),
      each.lag === 0 ? '–' : duration(each.seconds),
      freshness.has(each.table) ? `${duration(freshness.get(each.table))} ago` : '–',
    ]),
    'The settings name no bronze tables.',
  )
  table(
    'models',
    [
      ['model'],
      ['state'],
      ['kind'],
      ['rows', 'figure'],
      ['version', 'figure'],
      ['last commit', 'figure'],
      ['up to date', 'wide'],
    ],
    status.models.map((each) => [
      each.model,
      badge(each.state),
      each.kind,
      figure(each.rows),
      figure(each.version),
      sinceOf(each.state === 'stopped' ? null : each.since),
      each.behind ? `no: ${each.reason}` : 'yes',
    ]),
    'There are no models.',
  )
  byId('gates').hidden = status.gates.length === 0
  table(
    'gates',
    [['table'], ['verdict'], ['since', 'figure'], ['why', 'wide']],
    status.gates.map((each) => [
      each.table,
      badge(each.outcome ?? 'not judged yet', each.judged_at ?? ''),
      sinceOf(each.since),
      each.reason || (each.unjudged ? 'newer rows are not judged yet' : '–'),
    ]),
    '',
  )
  const most = Math.max(1, ...refusals.refusals.map((each) => each.letters))
  table(
    'refusals',
    [['table'], ['stage'], ['code'], ['field'], ['rule', 'narrow'], ['letters', 'figure'], ['look at one']],
    refusals.refusals.map((each) => {
      const bar = element('progress', { tone: 'bar' })
      bar.max = most
      bar.value = each.letters
      return [
        each.table,
        each.stage,
        each.code,
        each.field ?? '–',
        each.rule,
        element('span', {}, [bar, figure(each.letters)]),
        element('code', { text: `sluice errors show ${each.example.slice(0, 12)}` }),
      ]
    }),
    'No record is refused.',
  )
}

async function ask(path) {
  const response = await fetch(new URL(path, base), { headers: { accept: 'application/json' } })
  // /readyz tells its reasons beside its 503.
  if (!response.ok && path !== 'readyz') {
    const body = await response.json().catch(() => null)
    throw new Error(body?.error?.message ?? `${path} answered ${response.status}`)
  }
  return response.json()
}

async function turn() {
  try {
    const [status, lag, refusals, ready] = await Promise.all(
      ['api/status', 'api/lag', 'api/refusals', 'readyz'].map(ask),
    )
    draw({ status, lag, refusals, ready })
    byId('trouble').hidden = true
    document.querySelector('main').classList.remove('stale')
  } catch (error) {
    byId('trouble').textContent = `What is shown may be old: ${error.message}`
    byId('trouble').hidden = false
    document.querySelector('main').classList.add('stale')
  }
  setTimeout(turn, EVERY_MS)
}

void turn()
