/** Figures of a running daemon: who gets them, and what those get who want something else. */
import { readFileSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { createCanary, freePort, rawHttp, requireProgram, runChild, waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { Site } from '../lib/site.ts'

/** Path of a socket, or a port of 127.0.0.1. */
type Place = string | number

const listen = (place: Place): string =>
  `[metrics]\nlisten = ${JSON.stringify(typeof place === 'string' ? place : `127.0.0.1:${place}`)}`

/** A site whose figures are served on a socket or on a port. */
async function openSite(
  kind: 'socket' | 'port',
): Promise<{ site: Site; place: Place } & AsyncDisposable> {
  const site = new Site()
  const place = kind === 'socket' ? site.home.file('m') : await freePort()
  site.configure({ config: listen(place) })
  return { site, place, [Symbol.asyncDispose]: () => site[Symbol.asyncDispose]() }
}

/** As a client asks that knows HTTP. */
function scrape(place: Place, path = '/metrics'): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const where =
      typeof place === 'string' ? { socketPath: place } : { host: '127.0.0.1', port: place }
    const asked = request({ ...where, path, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('error', reject)
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    asked.once('error', reject)
    asked.end()
  })
}

const figureOf = (text: string, name: string): number => {
  const line = text.split('\n').find((each) => each.startsWith(`${name} `))
  return Number(line?.slice(name.length + 1) ?? Number.NaN)
}
const get = (host: string, first = 'GET /metrics HTTP/1.1'): string =>
  `${first}\r\nHost: ${host}\r\n\r\n`
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1])

for (const kind of ['socket', 'port'] as const) {
  test(`on a ${kind}: figures before the first initialisation, unsealed, and sealed after a restart`, async (context) => {
    await using opened = await openSite(kind)
    const { site, place } = opened
    const daemon = await site.start({ umask: '000' })
    if (typeof place === 'string') expect(statSync(place).mode & 0o777).toBe(0o600)
    const { status, text } = await scrape(place)
    expect(status).toBe(200)
    expect(text).toContain('secreg_seal_state{state="uninitialized"} 1\n')
    const canary = createCanary()
    using admin = await site.initialize()
    await admin.ok('set', { key: `/${canary}`, value: canary })
    await admin.ok('get', { key: `/${canary}` })
    await admin.refused('get', { key: `/${canary}/absent` })
    await admin.ask(0x01, { username: canary, password: canary })
    await admin.refused(0x3e, { key: canary })
    const { text: now } = await scrape(place)
    const operations = 'secreg_operations_total{door="registry",operation='
    for (const [name, value] of [
      [`${operations}"get",outcome="ok"}`, 1],
      [`${operations}"get",outcome="failed"}`, 1],
      [`${operations}"set",outcome="ok"}`, 1],
      [`${operations}"auth",outcome="ok"}`, 1],
      [`${operations}"auth",outcome="denied"}`, 1],
      [`${operations}"unknown",outcome="failed"}`, 1],
      ['secreg_entries', 1],
      ['secreg_log_healthy', 1],
      ['secreg_audit_room_level{level="low"}', 0],
    ] as const) {
      expect(figureOf(now, name), name).toBe(value)
    }
    expect(figureOf(now, 'secreg_filesystem_free_bytes{filesystem="store"}')).toBeGreaterThan(0)
    expect(now).not.toContain(canary)
    expect(now).not.toContain(site.home.path)
    expect((await admin.ok('maintain', { op: 'metrics' })).metrics).toContain('secreg_entries 1\n')

    const curl = requireProgram(context, 'curl')
    const where =
      typeof place === 'string'
        ? ['--unix-socket', place, 'http://localhost/metrics']
        : [`http://127.0.0.1:${place}/metrics`]
    const fetched = await runChild(curl, ['-sS', '--fail', '--noproxy', '*', ...where])
    expect(fetched.code, fetched.stderr).toBe(0)
    expect(fetched.stdout).toContain('# TYPE secreg_operation_duration_seconds histogram\n')

    const started = figureOf(now, 'secreg_process_start_time_seconds')
    await daemon.kill('SIGTERM')
    if (typeof place === 'string')
      expect(statSync(place, { throwIfNoEntry: false })).toBeUndefined()
    await site.start()
    const { text: later } = await scrape(place)
    expect(later).toContain('secreg_seal_state{state="sealed"} 1\n')
    expect(figureOf(later, 'secreg_process_start_time_seconds')).toBeGreaterThan(started)
  })

  test(`on a ${kind}: other requests, floods and slow ones cost the registry nothing`, async () => {
    await using opened = await openSite(kind)
    const { site, place } = opened
    await site.start()
    using admin = await site.initialize()
    for (const [first, status] of [
      ['POST /metrics HTTP/1.1', 405],
      ['DELETE /metrics HTTP/1.1', 405],
      ['GET / HTTP/1.1', 404],
      ['GET /../../etc/passwd HTTP/1.1', 404],
      ['nonsense', 400],
    ] as const) {
      expect(statusOf(await rawHttp(place, get('localhost', first))), first).toBe(status)
    }
    const large = `GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(65_536)}\r\n\r\n`
    expect(statusOf(await rawHttp(place, large))).toBe(431)
    const many = `GET /metrics HTTP/1.1\r\nHost: localhost\r\n${'X: y\r\n'.repeat(10_000)}\r\n`
    expect(statusOf(await rawHttp(place, many))).toBe(431)
    if (kind === 'port') {
      expect(statusOf(await rawHttp(place, get('rebound.example')))).toBe(421)
      expect(statusOf(await rawHttp(place, get('rebound.example:80')))).toBe(421)
    }

    // A hundred at once: some get the figures, the others a closed connection, and nobody waits.
    const flood = await Promise.all(
      Array.from({ length: 100 }, () => rawHttp(place, get('localhost'))),
    )
    const answered = flood.filter((answer) => answer !== '')
    expect(answered.length).toBeGreaterThan(0)
    for (const answer of answered) expect(statusOf(answer)).toBe(200)

    // A hundred that send a byte now and then: gone after five seconds, and meanwhile the registry works.
    const sockets = Array.from({ length: 100 }, (): Socket => {
      const socket = typeof place === 'string' ? connect(place) : connect(place, '127.0.0.1')
      socket.on('error', () => {})
      socket.resume()
      socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n')
      return socket
    })
    const drip = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write('X: y\r\n')
    }, 50)
    try {
      await admin.ok('set', { key: '/a', value: 'x' })
      expect(await admin.ok('get', { key: '/a' })).toMatchObject({ value: 'x' })
      expect((await admin.ok('maintain', { op: 'metrics' })).metrics).toContain(
        'secreg_entries 1\n',
      )
      await waitFor(() => sockets.every(({ closed }) => closed), { timeoutMs: 15_000 })
    } finally {
      clearInterval(drip)
    }
    await waitFor(async () => (await scrape(place)).status === 200)
  })
}

test('a place that is none, is taken, or is of store and log stops the start', async () => {
  await using site = new Site()
  const taken = site.home.write('taken', 'mine')
  const port = await freePort()
  for (const [place, message] of [
    ['0.0.0.0:9464', /config\.toml:\d+: metrics\.listen: expected/],
    ['localhost:9464', /config\.toml:\d+: metrics\.listen: expected/],
    ['[::]:9464', /config\.toml:\d+: metrics\.listen: expected/],
    ['metrics', /config\.toml:\d+: metrics\.listen: expected/],
    [
      `${site.audit}/m`,
      /config\.toml:\d+: metrics\.listen: expected a place outside of audit\.path/,
    ],
    [
      `${site.data}/m`,
      /config\.toml:\d+: metrics\.listen: expected a place outside of database\.path/,
    ],
    [taken, /left alone/],
    [site.socket, /config\.toml:\d+: metrics\.listen: expected another socket than socket\.path/],
    [`${site.home.path}/absent/m`, /no such directory/],
  ] as const) {
    site.configure({ config: listen(place) })
    const child = site.launch()
    expect((await child.exit).code, place).toBe(1)
    expect(child.stderr(), place).toMatch(message)
  }
  expect(readFileSync(taken, 'utf8')).toBe('mine')
  site.configure({ config: listen(port) })
  await site.start()
  await using other = new Site()
  other.configure({ config: listen(port) })
  const second = other.launch()
  expect((await second.exit).code).toBe(1)
  expect(second.stderr()).toContain(`127.0.0.1:${port}: another server answers here`)
})

test('another place holds from the next start on, and the log says so', async () => {
  await using opened = await openSite('socket')
  const { site, place } = opened
  const daemon = await site.start()
  site.configure({ config: '' })
  daemon.signal('SIGHUP')
  await daemon.line(/metrics\.listen has changed/, { from: 'stderr' })
  expect((await scrape(place)).status).toBe(200)
  await daemon.kill('SIGTERM')
  await site.start()
  await expect(scrape(place)).rejects.toMatchObject({ code: 'ENOENT' })
})
