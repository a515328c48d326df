// Reads and writes of the Secrets API beside the same asked of its provider directly: an OpenBao that
// SECREG_TEST_KV2_URL and SECREG_TEST_KV2_TOKEN name, else a stand-in.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectRegistry } from '@secreg/client'
import { cpuUs, descendantsOf } from './cpu.mjs'
import { askHttp, loadHttp, requestBytes } from './http-load.mjs'
import { paired, rateAndTail } from './measure.mjs'
import { start } from './processes.mjs'
import { record } from './report.mjs'

const CONNECTIONS = [1, 16]
const READS = { 1: 1000, 16: 4000 }
const BULKS = 20
const ITEMS = 100
const VALUE = 'correct horse battery staple'
const URI = 'openbao+kv2://secret/bench'

export async function benchSecrets(root, directory) {
  const { SECREG_TEST_KV2_URL: named, SECREG_TEST_KV2_TOKEN: token } = process.env
  const standIn =
    named === undefined ? await start(join(root, 'tools/bench/kv2-stand-in.mjs')) : undefined
  const server = standIn?.ready ?? { url: named, token }
  const name = standIn === undefined ? 'OpenBao' : 'a stand-in of OpenBao'
  const home = join(directory, 'home')
  const daemon = await startDaemon(root, home, server)
  try {
    const { token: bearer } = JSON.parse(readFileSync(daemon.ready.admin, 'utf8'))
    const sides = {
      provider: { url: new URL(server.url), headers: { 'X-Vault-Token': server.token } },
      api: { url: new URL(daemon.ready.http), headers: { Authorization: `Bearer ${bearer}` } },
    }
    await put(sides.provider, 'read')
    await benchReads({ ...sides, daemon, name }, 'on a live grant', { maxUses: 1000 })
    await benchReads({ ...sides, daemon, name }, 'the first', { maxUses: 1 })
    await benchBulk({ ...sides, daemon, name })
  } finally {
    await daemon.stop()
    await standIn?.stop()
  }
}

/** A development home in which policies decide, and nobody is held back. */
async function startDaemon(root, home, { url, token }) {
  const program = join(root, 'apps/daemon/bin/secregd.js')
  await (await start(program, '--dev', home)).stop()
  const file = join(home, 'config.toml')
  const limits = 'enabled = true\nauthorization = true\nrate_limit = 100000\nrate_burst = 100000'
  writeFileSync(file, readFileSync(file, 'utf8').replace('enabled = true', limits))
  const before = { ...process.env }
  Object.assign(process.env, { OPENBAO_URL: url, OPENBAO_TOKEN: token })
  try {
    return await start(program, '--dev', home)
  } finally {
    process.env = before
  }
}

async function benchReads({ provider, api, daemon, name }, what, obligations) {
  await allow(daemon, obligations)
  const direct = requestBytes(provider.url, {
    method: 'GET',
    path: '/v1/secret/data/bench/read',
    headers: provider.headers,
  })
  const uri = `${URI}/read%23value`
  const asked = requestBytes(api.url, {
    method: 'GET',
    path: `/api/secrets/value?uri=${uri}`,
    headers: api.headers,
  })
  const [there, here] = [await askHttp(provider.url, direct), await askHttp(api.url, asked)]
  assert.equal(here.status, 200, here.body)
  assert.equal(JSON.parse(here.body).value, JSON.parse(there.body).data.data.value)
  for (const connections of CONNECTIONS) {
    const shape = { connections, total: READS[connections], status: 200 }
    await compare({ provider, api, daemon, name }, `a read, ${what}`, {
      connections,
      each: shape.total,
      direct: () => loadHttp(provider.url, { ...shape, request: direct }),
      through: () => loadHttp(api.url, { ...shape, request: asked }),
    })
  }
}

async function benchBulk({ provider, api, daemon, name }) {
  const headers = { 'Content-Type': 'application/json' }
  const operations = Array.from({ length: ITEMS }, (_, at) => ({
    op: 'set',
    uri: `${URI}/bulk-${at}`,
    value: { value: VALUE },
  }))
  const bulk = requestBytes(api.url, {
    path: '/api/secrets/bulk',
    headers: { ...api.headers, ...headers },
    body: JSON.stringify({ operations }),
  })
  const write = requestBytes(provider.url, {
    path: '/v1/secret/data/bench/direct',
    headers: { ...provider.headers, ...headers },
    body: JSON.stringify({ data: { value: VALUE } }),
  })
  const answer = await askHttp(api.url, bulk)
  assert.equal(JSON.parse(answer.body).summary.succeeded, ITEMS, answer.body)
  await compare({ provider, api, daemon, name }, `a write, in bulks of ${ITEMS}`, {
    connections: 1,
    each: BULKS * ITEMS,
    direct: () =>
      loadHttp(provider.url, {
        connections: 1,
        total: BULKS * ITEMS,
        request: write,
        status: 200,
      }),
    through: async () => {
      const run = await loadHttp(api.url, {
        connections: 1,
        total: BULKS,
        request: bulk,
        status: 200,
      })
      return { ...run, perSecond: run.perSecond * ITEMS }
    },
  })
}

async function compare({ daemon, name }, what, { connections, each, direct, through }) {
  await direct()
  await through()
  const rounds = 3
  const pids = [daemon.pid, ...descendantsOf(daemon.pid)]
  const spent = pids.map(cpuUs)
  const [alone, run] = await paired(direct, through, rounds)
  const us = pids.reduce((sum, pid, at) => sum + cpuUs(pid) - spent[at], 0) / (rounds * each)
  record(
    `secrets: ${what}, ${connections} connections × 1, over ${name} asked directly`,
    run.perSecond / alone.perSecond,
    {
      figures: `directly ${rateAndTail(alone)}; through the API ${rateAndTail(run)}; processor µs each of daemon, gateway and egress ${us.toFixed(0)}`,
    },
  )
}

async function put({ url, headers }, name) {
  const answer = await askHttp(
    url,
    requestBytes(url, {
      path: `/v1/secret/data/bench/${name}`,
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ data: { value: VALUE } }),
    }),
  )
  assert.equal(answer.status, 200, answer.body)
}

/** Let everybody who is somebody do everything there, so often on one decision. */
async function allow(daemon, { maxUses }) {
  const { login, password } = JSON.parse(readFileSync(daemon.ready.admin, 'utf8'))
  const client = await connectRegistry({ socket: daemon.ready.socket })
  try {
    await client.auth({ username: login, password })
    await client.policy({
      op: 'set',
      document: {
        id: 'bench',
        rules: [
          {
            id: 'all',
            effect: 'allow',
            principals: ['*'],
            actions: ['read', 'decrypt', 'create', 'update'],
            resources: ['openbao+kv2://secret/**'],
            obligations: { ttlSeconds: 3600, maxUses },
          },
        ],
      },
    })
  } finally {
    await client.close()
  }
}
