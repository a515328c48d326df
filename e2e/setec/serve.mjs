// A registry with its gateway for recorded setec traffic: `node e2e/setec/serve.mjs`, by the start protocol at the head of
// packages/setec/test/vectors/replay.mjs. STATE_DIR is the directory of everything; IDENTITIES says who there is, as a JSON array. Each caller
// becomes an account with a token, and his capabilities become the setec rules that are attached to it. Prints where each
// identity reaches the service, and stops when its standard input closes. TEMPLATE, where it is told, is the STATE_DIR of a
// run that has ended, with the same identities: its registry is copied, and not made anew.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { connectRegistry } from '@secreg/client'
import { setecRules } from '@secreg/policy-engine'

const { STATE_DIR, IDENTITIES, TEMPLATE } = process.env
if (STATE_DIR === undefined || IDENTITIES === undefined) {
  console.error('usage: STATE_DIR=DIR IDENTITIES=JSON node e2e/setec/serve.mjs')
  process.exit(1)
}
const identities = JSON.parse(IDENTITIES)
// A directory of its own: who made STATE_DIR has its rights as he likes.
const home = join(STATE_DIR, 'secreg')
const at = (name) => join(home, name)
const program = (path) => fileURLToPath(new URL(`../../apps/${path}`, import.meta.url))

const CONFIG = `[database]
path = ${JSON.stringify(at('data'))}
[socket]
path = ${JSON.stringify(at('s'))}
mode = "0600"
[audit]
path = ${JSON.stringify(process.env.AUDIT ?? at('audit'))}
[security]
scrypt_log_n = 15
[unlock]
key_file = ${JSON.stringify(at('key'))}
[gateway]
socket = ${JSON.stringify(at('g'))}
[http]
listen = "127.0.0.1:0"
workers = 1
drain = 0
`

/** Start a program; resolves once a line of its output is as told. */
async function start(file, stream, isReady) {
  const child = spawn(process.execPath, [file, '--config', at('config.toml')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = new Promise((resolve) => child.once('close', resolve))
  const output = []
  const ready = await new Promise((resolve, reject) => {
    for (const name of ['stdout', 'stderr']) {
      createInterface({ input: child[name] }).on('line', (line) => {
        output.push(line)
        if (name === stream && isReady(line)) resolve(line)
      })
    }
    void exit.then(() => reject(new Error(`${file} ended:\n${output.join('\n')}`)))
  })
  const stop = async () => {
    child.kill('SIGTERM')
    await exit
  }
  return { ready, stop }
}

function makeHome() {
  mkdirSync(home, { mode: 0o700 })
  writeFileSync(at('config.toml'), CONFIG)
  writeFileSync(at('key'), randomBytes(32), { mode: 0o600 })
  for (const name of ['config.toml', 'key']) chmodSync(at(name), 0o600)
}

/** An account and a token for everybody who has an identity; answers the tokens. */
async function makeCallers() {
  const registry = await connectRegistry({ socket: at('s') })
  const admin = { username: 'admin', password: `${randomBytes(16).toString('hex')}-A` }
  await registry.seal({
    op: 'init',
    passphrase: randomBytes(16).toString('hex'),
    admin: admin.username,
    admin_password: admin.password,
  })
  await registry.auth(admin)
  const tokens = {}
  for (const identity of identities) {
    const rules = rulesOf(identity)
    if (rules === undefined) continue
    const user = identity.id
    await registry.user({ op: 'add', user })
    if (rules.length > 0) {
      const principals = [`user:${user}`]
      const document = { id: user, source: 'setec', principals, mount: '/setec', rules }
      await registry.policy({ op: 'set', document })
    }
    const { secret } = await registry.token({ op: 'create', user, boundary: 'full' })
    tokens[user] = secret
  }
  await registry.close()
  return tokens
}

/** Rules of a caller; undefined when he is nobody: unknown, without a name, or with capabilities that cannot be read. */
function rulesOf({ whois, user, tags = [], caps }) {
  if (whois === 'fails' || (tags.length === 0 && user === '')) return undefined
  try {
    return setecRules(caps)
  } catch {
    return undefined
  }
}

if (!existsSync(home) && TEMPLATE !== undefined) {
  cpSync(join(TEMPLATE, 'secreg'), home, { recursive: true })
  writeFileSync(at('config.toml'), CONFIG)
}
const isNew = !existsSync(home)
if (isNew) makeHome()
const [daemon, gateway] = await Promise.all([
  start(program('daemon/bin/secregd.js'), 'stderr', (line) => line.includes('"event":"ready"')),
  start(program('http-gateway/bin/secreg-gateway.js'), 'stdout', (line) =>
    line.includes('"ready":true'),
  ),
])
const tokens = isNew ? await makeCallers() : JSON.parse(readFileSync(at('tokens.json'), 'utf8'))
if (isNew) writeFileSync(at('tokens.json'), JSON.stringify(tokens), { mode: 0o600 })
const { http } = JSON.parse(gateway.ready)
const map = identities.map(({ id, whois }) => {
  // Who is nobody shows nothing, or something that nobody has.
  if (whois === 'fails') return [id, { url: `${http}/t/${'0'.repeat(40)}` }]
  return [id, { url: tokens[id] === undefined ? http : `${http}/t/${tokens[id]}` }]
})
console.log(JSON.stringify(Object.fromEntries(map)))

process.stdin.resume()
process.stdin.once('end', async () => {
  await Promise.all([gateway.stop(), daemon.stop()])
  process.exit(0)
})
