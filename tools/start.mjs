// npm start: sets up the clone, runs daemon and gateway on a private development home, sets and gets a first value through
// sreg and over HTTP, prints commands to copy, and stays until Ctrl-C. With --check it does the same in a directory that vanishes,
// and exits.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bin, ROOT } from './run.mjs'
import { setUp } from './setup.mjs'

/** Bytes of a socket path that the kernel takes (unix(7): 108 with the final zero). */
const SOCKET_PATH_BYTES = 107

const [mode, ...rest] = process.argv.slice(2)
if (rest.length > 0 || (mode !== undefined && mode !== '--check')) {
  console.error('usage: npm start [-- --check]')
  process.exit(1)
}
const check = mode === '--check'

/** The daemon refuses NODE_OPTIONS, and what is meant for another registry must not reach this one. */
function environment(extra = {}) {
  const { NODE_OPTIONS: _, SECREG_SOCKET: __, SECREG_SESSION: ___, ...env } = process.env
  return { ...env, ...extra }
}

/** Start the daemon; resolves with its line of readiness. */
function startDaemon(directory) {
  const child = spawn(bin('secregd'), ['--dev', directory], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
    // Ctrl-C reaches the whole group of the terminal; the daemon is stopped from here, once.
    detached: true,
  })
  const exit = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(signal ?? code))
  })
  const ready = new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
      const end = text.indexOf('\n')
      if (end >= 0) resolve(JSON.parse(text.slice(0, end)))
    })
    void exit.then((why) => reject(new Error(`secregd did not start (${why})`)))
  })
  return { child, exit, ready }
}

/** Run sreg, show the command and what it prints, and give its output. */
function sreg(args, env, input = '') {
  return new Promise((resolve, reject) => {
    const child = spawn(bin('sreg'), args, {
      env: environment(env),
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.once('error', reject)
    child.once('close', (code) => {
      console.log(`  $ sreg ${args.join(' ')}`)
      if (output !== '') console.log(output.trimEnd().replaceAll(/^/gm, '  '))
      if (code === 0) resolve(output)
      else reject(new Error(`sreg ${args[0]} ended with ${code}`))
    })
  })
}

/** Ask the gateway as setec's clients do, show the request and what is answered, and give the answer. */
async function setec(http, token, operation, request) {
  const body = JSON.stringify(request)
  const response = await fetch(`${http}/api/${operation}`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'Sec-X-Tailscale-No-Browsers': 'setec',
      Authorization: `Bearer ${token}`,
    },
    body,
  })
  const answer = await response.text()
  console.log(`  POST ${http}/api/${operation} ${body}\n  ${response.status} ${answer}`)
  if (response.status !== 200) throw new Error(`${operation} was answered with ${response.status}`)
  return JSON.parse(answer)
}

async function tryHttp(http, token) {
  console.log('\nA secret over HTTP, as setec has it:\n')
  const Value = Buffer.from('hello over HTTP').toString('base64')
  await setec(http, token, 'put', { Name: 'demo/secret', Value })
  const found = await setec(http, token, 'get', { Name: 'demo/secret' })
  if (found.Value !== Value) throw new Error('what was read is not what was set')
}

/** Write and read a secret by its URI, in the file that a development home has for them. */
async function trySecrets(http) {
  console.log('\nA secret by its URI, in a file that is for development only:\n')
  const uri = 'yaml://secret/demo#greeting'
  const body = JSON.stringify({ uri, value: 'hello from a file' })
  const headers = { 'Content-Type': 'application/json' }
  await showJson(`${http}/api/secrets`, { method: 'POST', headers, body })
  const query = `uri=${encodeURIComponent(uri)}`
  const { value } = await showJson(`${http}/api/secrets/value?${query}`, { method: 'GET' })
  if (value !== 'hello from a file') throw new Error('what was read is not what was set')
}

async function showJson(url, request) {
  const response = await fetch(url, request)
  const answer = await response.text()
  console.log(`  ${request.method} ${url} ${request.body ?? ''}\n  ${response.status} ${answer}`)
  if (response.status !== 200) throw new Error(`the answer was ${response.status}`)
  return JSON.parse(answer)
}

function homeDirectory() {
  const own = join(ROOT, '.secreg-dev')
  const fits = Buffer.byteLength(join(own, 'registry.sock')) <= SOCKET_PATH_BYTES
  return check || !fits ? mkdtempSync(join(tmpdir(), 'secreg-')) : own
}

async function main() {
  if (!(await setUp())) return 1
  const directory = homeDirectory()
  const { child, exit, ready } = startDaemon(directory)
  let stopping = false
  const stop = () => {
    stopping = true
    child.kill('SIGTERM')
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop)
  try {
    const { socket, subauth, libvirt, http, admin } = await ready
    const { login, password, token } = JSON.parse(readFileSync(admin, 'utf8'))
    const env = { SECREG_SOCKET: socket, SECREG_SESSION: join(directory, 'session') }
    console.log('\nA first value, set and read back:\n')
    await sreg(['login', login, '--password-stdin'], env, `${password}\n`)
    await sreg(['set', '/demo/greeting', 'hello'], env)
    await sreg(['set', '/demo/secret', '-', '--encrypt'], env, 'only with --decrypt')
    const plain = await sreg(['get', '/demo/greeting'], env)
    const secret = await sreg(['get', '/demo/secret', '--decrypt'], env)
    if (plain !== 'hello\n' || secret !== 'only with --decrypt\n') {
      throw new Error('what was read is not what was set')
    }
    if (http === undefined) throw new Error('the gateway did not start')
    await tryHttp(http, token)
    await trySecrets(http)
    if (check) {
      console.log('\nall well')
      return 0
    }
    console.log(instructions({ directory, admin, http, subauth, libvirt, ...env }))
    const end = await exit
    return stopping && end === 0 ? 0 : 1
  } catch (error) {
    if (stopping) return 0
    console.error(error.message)
    return 1
  } finally {
    child.kill('SIGTERM')
    await exit
    if (check) rmSync(directory, { recursive: true, force: true })
  }
}

const quote = (text) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** A token of the one who runs this, in the zone that a development home has; nothing where it cannot serve zones. */
function zoneInstructions(subauth) {
  if (subauth === undefined) return ''
  return `
Your own tokens for other services, in a zone:

  node apps/sreg-cli/bin/subauth.js --socket=${quote(subauth)} --zones
  node apps/sreg-cli/bin/subauth.js --socket=${quote(subauth)} --zone=dev --create-token --comment=laptop
  node apps/sreg-cli/bin/subauth.js --socket=${quote(subauth)} --list
`
}

/** Secrets of libvirt; nothing where it cannot serve them. */
function libvirtInstructions(libvirt) {
  if (libvirt === undefined) return ''
  return `
Secrets of libvirt, with its own virsh:

  export VIRSH_DEFAULT_CONNECT_URI='secret:///system?socket=${libvirt}'
  echo "<secret><usage type='ceph'><name>client.demo</name></usage></secret>" > /tmp/demo-secret.xml
  virsh secret-define /tmp/demo-secret.xml
  virsh secret-list
`
}

function instructions(home) {
  const { directory, admin, http, libvirt, subauth } = home
  const { SECREG_SOCKET: socket, SECREG_SESSION: session } = home
  return `
The registry runs. In another terminal, from ${ROOT}:

  export SECREG_SOCKET=${quote(socket)} SECREG_SESSION=${quote(session)}
  npx sreg list / --recursive
  npx sreg set /app/port 8080 --type integer
  npx sreg get /app/port --json
  npx sreg audit --limit 5

Over HTTP, with the token of its administrator, and with Tailscale's own setec command:

  export TOKEN=$(node -p 'JSON.parse(fs.readFileSync(process.argv[1])).token' ${quote(admin)})
  curl -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
    -d '{"key":"/demo/greeting"}' ${http}/registry/get
  echo -n s3cret | setec -s ${http}/t/$TOKEN put demo/password
  setec -s ${http}/t/$TOKEN get demo/password
  curl ${http}/openapi.json

Secrets by their URIs, wherever they are (docs/secrets-api.md); for a program, in its environment alone:

  npx sreg secret get 'yaml://secret/demo#greeting'
  GREETING_POINTER='yaml://secret/demo#greeting' npx sreg run -- sh -c 'echo "$GREETING"'
  curl --get ${http}/api/secrets/value --data-urlencode 'uri=yaml://secret/demo#greeting'
${zoneInstructions(subauth)}${libvirtInstructions(libvirt)}
Login and passphrase of its administrator: ${admin}
Everything it has is below ${directory}; remove that to begin anew.
Ctrl-C stops it.`
}

process.exitCode = await main()
