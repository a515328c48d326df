/** Signals, and what the process keeps from others. */
import { readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { cleanEnv, runNode, waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { ADMIN, SECREGD, Site, startSite } from '../lib/site.ts'
import { TYPE, Wire } from '../lib/wire.ts'

test('weakness 14: SIGTERM stops within 2 s with idle clients, and what was answered is durable', async () => {
  await using running = await startSite()
  const { site, daemon } = running
  const idle = await Promise.all(
    Array.from({ length: 20 }, () => Wire.open(site.socket, { allowHalfOpen: true })),
  )
  // A writer that never stops, and one whose requests are on their way when the signal comes.
  using writer = await site.admin()
  const acknowledged: string[] = []
  let asked = 0
  const burst = (count: number): void => {
    const frames = Array.from({ length: count }, () => {
      asked++
      return writer.frame('set', { key: `/durable/${asked}`, value: `v${asked}` })
    })
    writer.socket.write(Buffer.concat(frames))
  }
  burst(200)
  const reading = (async () => {
    for (;;) {
      const { type, body } = await writer.next()
      if (type !== TYPE.set + 1) throw new Error(JSON.stringify(body))
      acknowledged.push(`/durable/${acknowledged.length + 1}`)
      if (acknowledged.length % 50 === 0) burst(50)
    }
  })().catch((error: Error) => error)
  await waitFor(() => acknowledged.length > 300)
  const start = performance.now()
  const { code, signal } = await daemon.kill('SIGTERM')
  expect([code, signal]).toEqual([0, null])
  expect(performance.now() - start).toBeLessThan(2000)
  expect(`${await reading}`).toContain('the server closed')
  for (const wire of idle) wire.close()

  await site.start()
  using again = await site.unlock()
  const { keys } = await again.ok('list', { prefix: '/durable', recursive: true })
  expect(acknowledged.filter((key) => !keys.includes(key))).toEqual([])
  // Nothing was carried out behind the back of its answer either: what was read was answered.
  expect(keys).toHaveLength(acknowledged.length)
})

test('SIGINT stops it too', async () => {
  await using running = await startSite()
  expect(await running.daemon.kill('SIGINT')).toEqual({ code: 0, signal: null })
})

test('weakness 15: SIGHUP reloads and keeps serving', async () => {
  await using running = await startSite()
  const { site, daemon, admin } = running
  using second = await Wire.open(site.socket)
  await second.ok('status', {})
  const reloads = () =>
    daemon.stderr().match(/"event":"configuration (not )?reloaded/g)?.length ?? 0

  site.configure({ config: '[limits]\nmax_connections = 2\n[log]\nlevel = "debug"' })
  daemon.signal('SIGHUP')
  await waitFor(() => reloads() === 1)
  expect(await admin.ok('whoami', {})).toMatchObject({ user: ADMIN })
  using over = await Wire.open(site.socket)
  expect((await over.next()).body).toMatchObject({ reason: 'TOO_MANY_CONNECTIONS' })

  // A wrong file changes nothing and says where it is wrong.
  site.configure({ config: '[limits]\nmax_conections = 1000' })
  daemon.signal('SIGHUP')
  await waitFor(() => reloads() === 2)
  expect(daemon.stderr()).toMatch(
    /config\.toml:\d+: unknown key .*limits\.max_connections.*not reloaded/,
  )
  using still = await Wire.open(site.socket)
  expect((await still.next()).body).toMatchObject({ reason: 'TOO_MANY_CONNECTIONS' })
  expect(await admin.ok('whoami', {})).toMatchObject({ user: ADMIN })

  // log.level holds at once: above info, the next reload says nothing.
  site.configure({ config: '[log]\nlevel = "error"' })
  daemon.signal('SIGHUP')
  await waitFor(async () => {
    using wire = await Wire.open(site.socket)
    return (await wire.ask('status', {})).type === TYPE.status + 1
  })
  expect(reloads()).toBe(2)
})

test('SIGUSR1 opens no inspector', async () => {
  await using running = await startSite()
  const { daemon, admin } = running
  for (let i = 0; i < 3; i++) daemon.signal('SIGUSR1')
  // Signals are taken in turns of the event loop; after some answers all have been.
  for (let i = 0; i < 10; i++) await admin.ok('whoami', {})
  expect(daemon.stderr()).not.toContain('Debugger')
  expect(await listens(9229)).toBe(false)
  expect(listeningTcpSockets(daemon.pid)).toEqual([])
})

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Inodes of TCP sockets that the process itself listens on. */
function listeningTcpSockets(pid: number): string[] {
  return ['tcp', 'tcp6']
    .flatMap((name) => readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && /:240D$/.test(fields[1] ?? ''))
    .map((fields) => fields[9] ?? '')
}

test('NODE_OPTIONS and options that open the process are refused, and nothing is started', async () => {
  await using site = new Site()
  const cases = [
    { env: cleanEnv({ NODE_OPTIONS: '--max-old-space-size=512' }) },
    { nodeArgs: ['--inspect=127.0.0.1:0'] },
    { nodeArgs: ['--heapsnapshot-signal=SIGUSR2'] },
    { nodeArgs: ['--report-on-signal'] },
  ]
  for (const options of cases) {
    const child = site.launch(options)
    expect((await child.exit).code, JSON.stringify(options.nodeArgs)).toBe(1)
    expect(child.stderr()).toMatch(/NODE_OPTIONS is set|node was started with --/)
    expect(child.stderr()).not.toContain('"event":"ready"')
  }
  const { stderr } = await runNode(SECREGD, ['--dev', site.home.file('dev')], {
    env: cleanEnv({ NODE_OPTIONS: '--max-old-space-size=512' }),
  })
  expect(stderr).toContain('NODE_OPTIONS')
  expect(() => readFileSync(site.home.file('dev', 'config.toml'))).toThrow('ENOENT')
})

test('memory stays out of core dumps', async () => {
  await using running = await startSite()
  const { pid } = running.daemon
  expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/^Max core file size +0 +0 /m)
  expect(readFileSync(`/proc/${pid}/coredump_filter`, 'utf8').trim()).toMatch(/^0+$/)
})

test('a socket that was removed while it ran is no fault of the stop', async () => {
  await using running = await startSite()
  rmSync(running.site.socket)
  expect(await running.daemon.kill('SIGTERM')).toEqual({ code: 0, signal: null })
})
