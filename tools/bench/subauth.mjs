// The socket of subauth: what a request costs over a bare packet, and whether the time of a refused login tells that the
// name is known.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { nativeProblem } from '@secreg/unix-socket'
import { ask, percentile, requestFrame } from './load.mjs'
import { paired, rateAndTail } from './measure.mjs'
import { askPacket, loadPackets, openPackets } from './packets.mjs'
import { start } from './processes.mjs'
import { record } from './report.mjs'
import { chanceOf, median } from './two-samples.mjs'

const TOTAL = 20_000
/** Of each sample: passwords take as long as their hash, tokens next to nothing. */
const TRIES = { password: 60, token: 3000 }
const UID = process.getuid?.() ?? -1
const ZONE = 'bench'
const OK = '{"error":""}'

export async function benchSubauth(root, directory) {
  const problem = nativeProblem()
  if (problem !== undefined) {
    record('subauth', undefined, { figures: problem })
    return
  }
  const known = Array.from({ length: TRIES.password }, (_, i) => `user-${i}`)
  const daemon = await startConfigured(root, directory, known)
  const echo = await start(join(root, 'tools/bench/seqpacket-echo.mjs'), join(directory, 'e'), OK)
  try {
    const { token } = await asked(daemon, { cmd: 'create-token', zone: ZONE })
    const requests = {
      nop: { cmd: 'nop' },
      'login by a token': { cmd: 'login', zone: ZONE, passwd: token },
    }
    for (const [name, request] of Object.entries(requests)) {
      for (const connections of [1, 16])
        await roundTrips(daemon, directory, { name, request, connections })
    }
    await loginTimes(daemon, known)
  } finally {
    await echo.stop()
    await daemon.stop()
  }
}

async function roundTrips(daemon, directory, { connections, name, request }) {
  const shape = { connections, total: TOTAL, request, expected: OK }
  const paths = [daemon.door, join(directory, 'e')]
  for (const path of paths) await loadPackets(path, { ...shape, total: TOTAL / 4 })
  const [ours, bare] = await paired(...paths.map((path) => () => loadPackets(path, shape)))
  record(
    `subauth ${name} over a bare packet, ${connections} × 1`,
    ours.perSecond / bare.perSecond,
    {
      figures: `${rateAndTail(ours)}; bare ${rateAndTail(bare)}`,
    },
  )
}

/** Names that there are and others, in turn, of each form of a secret. */
async function loginTimes(daemon, known) {
  for (const [form, tries] of Object.entries(TRIES)) {
    const connection = await openPackets(daemon.door)
    const times = { known: [], unknown: [] }
    const answers = new Set()
    for (let at = 0; at < tries; at++) {
      const names = [
        ['known', known[at % known.length]],
        ['unknown', `ghost-${randomBytes(4).toString('hex')}`],
      ]
      // Whichever comes first pays for whatever was going on before.
      if (randomInt(2) === 1) names.reverse()
      for (const [kind, login] of names) {
        const passwd = form === 'token' ? 'abcd-wrong' : 'wrong'
        const packet = Buffer.from(JSON.stringify({ cmd: 'login', zone: ZONE, login, passwd }))
        const { answer, tookMs } = await connection.ask(packet)
        answers.add(JSON.stringify(answer))
        times[kind].push(tookMs)
      }
    }
    connection.close()
    assert.equal(answers.size, 1, 'all are told alike')
    assert.notEqual(JSON.parse([...answers][0]).error, '')
    const medians = { known: median(times.known), unknown: median(times.unknown) }
    const shift = medians.unknown - medians.known
    const tail = (all) =>
      percentile(
        all.toSorted((a, b) => a - b),
        0.95,
      ).toFixed(3)
    const p95 = [times.known, times.unknown].map(tail)
    record(
      `subauth login of an unknown user over one of a known user, wrong ${form}`,
      medians.unknown / medians.known,
      {
        figures: `${tries} of each; known ${medians.known.toFixed(3)} ms, unknown ${shift >= 0 ? '+' : ''}${(shift * 1000).toFixed(1)} µs; p95 ${p95.join(' and ')} ms; p ${chanceOf(times.known, times.unknown, tries > 1000 ? 1000 : undefined).toFixed(2)} by permutation of medians`,
      },
    )
  }
}

/** A daemon with the socket and one zone, which trusts who runs this; refusals are not held back. */
async function startConfigured(root, directory, known) {
  const path = (name) => join(directory, name)
  const users = ['me', ...known].map((name, at) => {
    const uid = at === 0 ? UID : 3_000_000 + at
    return `${name}:x:${uid}:${uid}::/:/bin/sh\n`
  })
  writeFileSync(path('users'), users.join(''), { mode: 0o600 })
  writeFileSync(
    path('config.toml'),
    `[database]
path = ${JSON.stringify(path('data'))}
[socket]
path = ${JSON.stringify(path('s'))}
[audit]
path = ${JSON.stringify(path('audit'))}
[security]
rate_limit_attempts = 10000
scrypt_log_n = 15
[subauth]
socket = ${JSON.stringify(path('z'))}
users_file = ${JSON.stringify(path('users'))}
failure_delay_ms = 0
[zones.${ZONE}]
allow_passwd = true
allow_tokens = true
auto_create = true
max_temp_validity = 3600
trusted_uids = [${UID}]
`,
    { mode: 0o600 },
  )
  const program = join(root, 'apps/daemon/bin/secregd.js')
  const child = spawn(process.execPath, [program, '--config', path('config.toml')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const lines = createInterface({ input: child.stderr })
  const ready = new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      if (line.includes('"event":"ready"')) resolve()
    })
    child.once('exit', (code) => reject(new Error(`secregd ended with ${code}`)))
  })
  await ready
  const [passphrase, password] = [0, 1].map(() => `${randomBytes(16).toString('hex')}-A`)
  const init = { op: 'init', passphrase, admin: 'admin', admin_password: password }
  await ask(path('s'), requestFrame(0x52, init))
  const daemon = {
    door: path('z'),
    async stop() {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
  // Each has an account with a token, so that both forms find one.
  const login = await ask(path('s'), requestFrame(1, { username: 'admin', password }))
  assert.equal(login.success, true)
  for (const name of known) {
    const fields = { zone: ZONE, login: name }
    for (const request of [
      { op: 'create-account', ...fields },
      { op: 'set-password', ...fields, password: randomBytes(12).toString('hex') },
      { op: 'create-token', ...fields },
    ]) {
      const made = await ask(path('s'), requestFrame(0x7a, request, login.session_id))
      assert.equal(made.accounts?.[0]?.login, name, JSON.stringify(made))
    }
  }
  return daemon
}

async function asked(daemon, request) {
  const answer = await askPacket(daemon.door, request)
  assert.equal(answer.error, '')
  return answer
}
