// Reads through the gateway, as setec's clients make them, beside a bare server that writes the same bytes.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandOf, cpuUs, descendantsOf } from './cpu.mjs'
import { VALUE } from './daemon.mjs'
import { askHttp, loadHttp, requestBytes } from './http-load.mjs'
import { paired, rateAndTail } from './measure.mjs'
import { start } from './processes.mjs'
import { record } from './report.mjs'

const CONNECTIONS = [1, 16, 64]
const REQUESTS = { 1: 8000, 16: 30_000, 64: 30_000 }
const NAME = 'bench/secret'

export async function benchHttp(root, directory) {
  const daemon = await start(
    join(root, 'apps/daemon/bin/secregd.js'),
    '--dev',
    join(directory, 'home'),
  )
  const url = new URL(daemon.ready.http)
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
    await compare(root, daemon, 'get', {
      request: request('get', { Version: 0, UpdateIfChanged: false }),
      expected: { status: 200, body: JSON.stringify({ Value, Version: 1 }) },
      floor: 0.35,
    })
    await compare(root, daemon, 'conditional get, unchanged', {
      request: request('get', { Version: 1, UpdateIfChanged: true }),
      expected: { status: 304, body: '' },
    })
  } finally {
    await daemon.stop()
  }
}

async function compare(root, daemon, name, { request, expected, floor }) {
  const url = new URL(daemon.ready.http)
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
    const gateways = descendantsOf(daemon.pid)
    for (const connections of CONNECTIONS) {
      const shape = { connections, total: REQUESTS[connections], request, status: expected.status }
      await loadHttp(bareUrl, shape)
      await loadHttp(url, shape)
      const spent = new Map([daemon.pid, bare.pid, ...gateways].map((pid) => [pid, cpuUs(pid)]))
      const rounds = 5
      const [bareRun, run] = await paired(
        () => loadHttp(bareUrl, shape),
        () => loadHttp(url, shape),
        rounds,
      )
      const each = (pid) => ((cpuUs(pid) - spent.get(pid)) / (rounds * shape.total)).toFixed(0)
      const parts = gateways
        .filter((pid) => Number(each(pid)) > 0)
        .map((pid) => `${commandOf(pid).includes('egress') ? 'egress' : 'gateway'} ${each(pid)}`)
      record(
        `http: setec ${name}, ${connections} connections × 1, over a bare server`,
        run.perSecond / bareRun.perSecond,
        {
          ...(floor === undefined ? {} : { floor }),
          figures: `bare ${rateAndTail(bareRun)}; gateway ${rateAndTail(run)}; processor µs a request: bare ${each(bare.pid)}, daemon ${each(daemon.pid)}, ${parts.join(', ')}`,
        },
      )
    }
  } finally {
    await bare.stop()
  }
}
