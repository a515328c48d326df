/** Class 27 of faults of others (specs: kv2 §5.2): what is not theirs is not given to the children of the daemon. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect } from 'node:net'
import {
  cleanEnv,
  createCanary,
  createTempHome,
  skipTest,
  startNode,
  waitFor,
} from '@secreg/testkit'
import { expect, test } from 'vitest'
import { processTree, unreadableMemory } from '../lib/process-image.ts'
import { SECREGD } from '../lib/site.ts'

interface Ready {
  readonly http: string
  readonly admin: string
  readonly socket: string
}

/** What open descriptors of a process lead to, by number. */
function openOf(pid: number): Map<number, string> {
  const found = new Map<number, string>()
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    try {
      found.set(Number(name), readlinkSync(`/proc/${pid}/fd/${name}`))
    } catch {
      // It was closed.
    }
  }
  return found
}

const streamsOf =
  (pid: number) =>
  (number: number): string =>
    openOf(pid).get(number) ?? ''

const textOf = (pid: number, name: 'environ' | 'cmdline'): string =>
  readFileSync(`/proc/${pid}/${name}`, 'latin1')

test('class 27: children have no credential, file or connection of the daemon', async (context) => {
  const why = unreadableMemory(process.pid)
  if (why !== undefined) skipTest(context, why)
  const home = createTempHome()
  const token = createCanary('token')
  const proxied = createCanary('proxied')
  const env = cleanEnv({
    OPENBAO_URL: 'http://127.0.0.1:1',
    OPENBAO_TOKEN: token,
    SECREG_SOMETHING: proxied,
  })
  await using daemon = startNode(SECREGD, ['--dev', home.file('dev')], { env })
  const ready = JSON.parse(await daemon.line(/"ready":true/, { timeoutMs: 40_000 })) as Ready
  const clients = [connect(ready.socket), connect(ready.socket)]
  try {
    // What is asked elsewhere is asked by the egress child.
    const uri = encodeURIComponent('openbao+kv2://secret/app/api')
    const { status } = await fetch(`${ready.http}/api/secrets/value?uri=${uri}`)
    expect(status).toBeGreaterThanOrEqual(500)
    const childrenOf = (): number[] => processTree(daemon.pid).slice(1)
    await waitFor(() => childrenOf().some((pid) => textOf(pid, 'cmdline').includes('egress')))
    const children = childrenOf()
    // The gateway with its worker, and the egress child.
    expect(children.length).toBeGreaterThanOrEqual(3)
    const { password } = JSON.parse(readFileSync(ready.admin, 'utf8')) as { password: string }
    // Streams of its own may be those of a child, and what whoever started it left open is not its.
    const others = [...openOf(process.pid).values(), ...[0, 1, 2].map(streamsOf(daemon.pid))]
    const ofDaemon = new Set(
      [...openOf(daemon.pid).values()].filter(
        (target) => /^(?:socket|pipe):/.test(target) && !others.includes(target),
      ),
    )
    expect(ofDaemon.size).toBeGreaterThan(3)
    for (const pid of children) {
      const said = `${textOf(pid, 'environ')}${textOf(pid, 'cmdline')}`
      for (const secret of [token, proxied, password]) {
        expect(said.includes(secret)).toBe(false)
      }
      const open = [...openOf(pid)].filter(([number]) => number > 2).map(([, target]) => target)
      expect(open.filter((target) => ofDaemon.has(target))).toEqual([])
      // LevelDB opens its files for its children too; whoever runs as this user could open them by their names.
      const inHome = open.filter((target) => target.startsWith(`${home.path}/`))
      expect(inHome.filter((target) => !target.startsWith(home.file('dev/data/')))).toEqual([])
    }
  } finally {
    for (const client of clients) client.destroy()
    await daemon.kill('SIGTERM')
    home.remove()
  }
})
