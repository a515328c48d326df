// A daemon with the socket of subauth and one zone, whose accounts have a password and a token each.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ask, requestFrame } from './load.mjs'
import { askPacket } from './packets.mjs'

const UID = process.getuid?.() ?? -1
export const ZONE = 'bench'

/**
 * Start it. Whoever runs this is user `me` there, and trusted by the zone; refusals are not held back.
 *
 * @param known - names of other users
 */
export async function startSubauth(root, directory, known) {
  const path = (name) => join(directory, name)
  const users = ['me', ...known].map((name, at) => {
    const uid = at === 0 ? UID : 3_000_000 + at
    return `${name}:x:${uid}:${uid}::/:/bin/sh\n`
  })
  writeFileSync(path('users'), users.join(''), { mode: 0o600 })
  const configure = (delayMs) =>
    writeFileSync(path('config.toml'), configOf(path, delayMs), { mode: 0o600 })
  configure(0)
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
    /** Refusals take at least so long, for connections that are opened from now on. */
    async holdBack(delayMs) {
      if (delayMs === 0) return
      configure(delayMs)
      child.kill('SIGHUP')
      const wrong = { cmd: 'login', zone: ZONE, login: known[0], passwd: 'abcd-wrong' }
      // One may be slow by chance.
      for (let late = 0; late < 5; ) {
        const begin = performance.now()
        await askPacket(path('z'), wrong)
        late = performance.now() - begin >= delayMs - 1 ? late + 1 : 0
      }
    },
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

/** One zone, which trusts who runs this. */
function configOf(path, delayMs) {
  return `[database]
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
failure_delay_ms = ${delayMs}
[zones.${ZONE}]
allow_passwd = true
allow_tokens = true
auto_create = true
max_temp_validity = 3600
trusted_uids = [${UID}]
`
}
