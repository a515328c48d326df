// Reads through the gateway, as setec's clients make them, beside a bare server that writes the same bytes.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cpuUs, descendantsOf } from './cpu.mjs'
import { VALUE } from './daemon.mjs'
import { askHttp, loadHttp, requestBytes } from './http-load.mjs'
import { paired, rateAndTail } from './measure.mjs'
import { start } from './processes.mjs'
import { record } from './report.mjs'

const CONNECTIONS = [1, 16, 64]
const REQUESTS = { 1: 8000, 16: 30_000, 64: 30_000 }
const NAME = 'bench/secret'

export async function benchHttp(root, directory) {
  const home = join(directory, 'home')
  const daemon = await start(join(root, 'apps/daemon/bin/secregd.js'), '--dev', home)
  // As it is by default; that of a development home has one worker.
  const config = join(directory, 'gateway.toml')
  const lines = ['[gateway]', `socket = "${join(home, 'gateway.sock')}"`]
  lines.push('[http]', 'listen = "127.0.0.1:0"', '[log]', 'level = "warn"')
  writeFileSync(config, `${lines.join('\n')}\n`, { mode: 0o600 })
  const gateway = await start(
    join(root, 'apps/http-gateway/bin/secreg-gateway.js'),
    '--config',
    config,
  )
  const url = new URL(gateway.ready.http)
  const { token } = JSON.parse(readFileSync(daemon.ready.admin, 'utf8'))
  const headers = {
    'Content-Type': 'application/json',
    'Sec-X-Tailscale-No-Browsers': 'setec',
    Authorization: `Bearer ${token}`,
  }
  const request = (operation, members) =>
    requestBytes(url, {
      path: `/api/${operation}`,
      headers,
      body: JSON.stringify({ Name: NAME, ...members }),
    })
  try {
    const Value = Buffer.from(VALUE).toString('base64')
    const made = await askHttp(url, request('put', { Value }))
    assert.deepEqual([made.status, made.body], [200, '1'])
    await compare(root, { daemon, gateway }, 'get', {
      request: request('get', { Version: 0, UpdateIfChanged: false }),
      expected: { status: 200, body: JSON.stringify({ Value, Version: 1 }) },
      floor: 0.35,
    })
    await compare(root, { daemon, gateway }, 'conditional get, unchanged', {
      request: request('get', { Version: 1, UpdateIfChanged: true }),
      expected: { status: 304, body: '' },
    })
  } finally {
    await gateway.stop()
    await daemon.stop()
  }
}

async function compare(root, { daemon, gateway }, name, { request, expected, floor }) {
  const url = new URL(gateway.ready.http)
  const answer = await askHttp(url, request)
  assert.deepEqual({ status: answer.status, body: answer.body }, expected)
  const { Date: _, Connection: __, 'Keep-Alive': ___, ...headers } = answer.headers
  const bare = await start(
    join(root, 'tools/bench/bare-http.mjs'),
    JSON.stringify({ ...expected, headers }),
  )
  const bareUrl = new URL(bare.ready.http)
  try {
    assert.equal((await askHttp(bareUrl, request)).body, expected.body)
    const workers = descendantsOf(gateway.pid)
    for (const connections of CONNECTIONS) {
      const shape = { connections, total: REQUESTS[connections], request, status: expected.status }
      await loadHttp(bareUrl, shape)
      await loadHttp(url, shape)
      const spent = new Map(
        [daemon.pid, bare.pid, gateway.pid, ...workers].map((pid) => [pid, cpuUs(pid)]),
      )
      const rounds = 5
      const [bareRun, run] = await paired(
        () => loadHttp(bareUrl, shape),
        () => loadHttp(url, shape),
        rounds,
      )
      const each = (...pids) => {
        const us = pids.reduce((sum, pid) => sum + cpuUs(pid) - spent.get(pid), 0)
        return (us / (rounds * shape.total)).toFixed(0)
      }
      record(
        `http: setec ${name}, ${connections} connections × 1, over a bare server`,
        run.perSecond / bareRun.perSecond,
        {
          ...(floor === undefined ? {} : { floor }),
          figures: `bare ${rateAndTail(bareRun)}; gateway ${rateAndTail(run)}; processor µs a request: bare ${each(bare.pid)}, daemon ${each(daemon.pid)}, gateway ${each(gateway.pid)} and its ${workers.length} workers ${each(...workers)}`,
        },
      )
    }
  } finally {
    await bare.stop()
  }
}
