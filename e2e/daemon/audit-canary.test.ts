/**
 * Class 12 of known faults of such servers: leaks through the log. A secret put through every request, every command that
 * takes one, and every request that carries it where it does not belong is in no file of the log, no log of the daemon, no
 * error, no figure, no message to syslog or Kafka, and in no process's arguments or environment.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REQUESTS } from '@secreg/protocol/messages'
import {
  createCanary,
  findCanary,
  freePort,
  KafkaStandIn,
  requireProgram,
  waitFor,
} from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { Desk } from '../cli/desk.ts'
import { filesOf, segmentsWith } from '../lib/audit-log.ts'
import { withTextInside } from '../lib/audit-mutations.ts'
import { SyslogReceiver } from '../lib/audit-receivers.ts'
import { askEverything, type Payload } from '../lib/audit-requests.ts'
import { ADMIN, PASSPHRASE, PASSWORD, Site } from '../lib/site.ts'
import { startTraced } from '../lib/traced.ts'
import { ERROR, type Reply, type RequestKind, Wire } from '../lib/wire.ts'

vi.setConfig({ testTimeout: 180_000 })

const MIB = 1024 * 1024
/** Name of all that has one. */
const LABEL = 'ofatest'

/** Processes below one, by /proc. */
function below(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
  return children
    .filter((text) => text !== '')
    .flatMap((text) => [Number(text), ...below(Number(text))])
}

/** Where a text is in the arguments or the environment of a process or one below it. */
function findInProcesses(text: string, pid: number): string[] {
  return [pid, ...below(pid)].flatMap((one) =>
    ['cmdline', 'environ']
      .map((name) => `/proc/${one}/${name}`)
      .filter((path) => readFileSync(path, 'latin1').includes(text)),
  )
}

/** Where a text is in the files of a log, as they are and as they were before they were compressed. */
function findInLog(text: string, directory: string): string[] {
  const inflated = [...filesOf(directory)].filter(([name, bytes]) => {
    return name.endsWith('inflated') && bytes.includes(text)
  })
  return [
    ...findCanary(text, directory).map(({ file, form }) => `${file} (${form})`),
    ...inflated.map(([name]) => name),
  ]
}

/**
 * Whether an error may tell what was sent: a policy and what it speaks of are texts that their author gets back with what is
 * wrong in them.
 */
function isAuthorsText(kind: RequestKind, { op, boundary }: Payload): boolean {
  if (kind === 'token') return op === 'create' && Array.isArray(boundary)
  return kind === 'policy'
}

/** What is a name for its owner is recorded and told: a label that somebody gives to a way of opening the registry. */
function isLabel(kind: RequestKind, payload: Payload, text: string): boolean {
  const { label, protector } = payload
  return kind === 'protector' && [label, protector].includes(text)
}

/** Whether it would do once more what takes time, and was done: what is erased waits for the store to be made small. */
function isDoneAgain(
  kind: RequestKind,
  { op, protector, proof, ...payload }: Payload,
  secret: string,
): boolean {
  if (kind === 'maintain') return op === 'compact'
  if (kind !== 'protector' || protector !== LABEL) return false
  if (op === 'remove') return true
  // Both what opens the registry and the secret itself do so by then.
  const { passphrase: shown } = (proof ?? {}) as { readonly passphrase?: unknown }
  const isProof = shown === PASSPHRASE || shown === secret
  const { passphrase } = payload
  return op === 'change' && isProof && typeof passphrase === 'string' && passphrase.length < 100
}

test('class 12: a secret in every request, and in every wrong place of each, leaks nowhere', async () => {
  await using receiver = await SyslogReceiver.start()
  await using broker = await KafkaStandIn.start()
  await using site = new Site()
  const port = await freePort()
  site.configure({
    audit: `segment_size = 65536\ncheckpoint_interval = 1\nvalue_hash_prefixes = ["/canary"]\nsyslog = "${receiver.target}"`,
    config: `rate_limit_attempts = 5000
[log]
level = "trace"
[metrics]
listen = "127.0.0.1:${port}"
[kafka]
brokers = ["${broker.address}"]
tls = false`,
  })
  const daemon = await site.start()
  using admin = await site.initialize()
  // No name, no path and no id has such a form, but a password may.
  const secret = `C! ${createCanary('x')}`
  const mark = secret.slice(3)
  const subject = {
    base: '/canary',
    name: LABEL,
    secret,
    passphrase: PASSPHRASE,
    password: PASSWORD,
  }
  const asked: [RequestKind, Payload][] = [
    ['auth', { username: ADMIN, password: secret, otp: '123456' }],
    ['auth', { token: 'no token' }],
    ['logout', {}],
  ]
  const kinds = new Set<RequestKind>(['auth', 'logout'])
  const told: string[] = []
  const look = (kind: RequestKind, payload: Payload, { type, body }: Reply): void => {
    if (type !== ERROR || isAuthorsText(kind, payload)) return
    expect(JSON.stringify(body), `${kind} ${JSON.stringify(payload)}`).not.toContain(mark)
  }
  await askEverything(async (kind, payload) => {
    kinds.add(kind)
    asked.push([kind, payload])
    const reply = await admin.ask(kind, payload)
    look(kind, payload, reply)
    if (reply.type === ERROR) return undefined
    // The values themselves, which were asked for.
    if (JSON.stringify(reply.body).includes(mark))
      told.push(`${kind} ${payload['op'] ?? ''}`.trim())
    return reply.body
  }, subject)
  expect([...kinds].sort()).toEqual(Object.keys(REQUESTS).sort())
  expect([...new Set(told)].sort()).toEqual(['export', 'get', 'txn'])

  let count = 0
  for (const [kind, payload] of asked) {
    for (const changed of withTextInside(payload, secret)) {
      const skipped = kind === 'logout' || isDoneAgain(kind, changed, secret)
      if (skipped || isLabel(kind, changed, secret)) continue
      look(kind, changed, await admin.ask(kind, changed))
      count++
    }
  }
  expect(count).toBeGreaterThan(1000)
  for (const kind of Object.keys(REQUESTS) as RequestKind[]) {
    using stranger = await Wire.open(site.socket)
    const text = JSON.stringify(secret)
    for (const payload of [
      { key: secret, username: secret },
      text,
      `{"key":${text}`,
      `[${text}]`,
    ]) {
      const { body } = await stranger.ask(kind, payload)
      expect(JSON.stringify(body), kind).not.toContain(mark)
    }
  }
  using other = await Wire.open(site.socket)
  other.session = mark
  expect(JSON.stringify(await other.ask('get', { key: '/canary/a' }))).not.toContain(mark)
  other.socket.write(secret)
  await other.closed

  const figures = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const { metrics } = await admin.ok('maintain', { op: 'metrics' })
  const support = JSON.stringify(await admin.ok('maintain', { op: 'support' }))
  const records = JSON.stringify(await admin.ok('audit', { limit: 1000 }))
  await waitFor(
    async () => {
      const { sinks, log_sequence } = await admin.ok('status', {})
      return sinks.every(({ sequence }: { sequence: number }) => sequence === log_sequence)
    },
    { timeoutMs: 60_000, what: 'the sinks to catch up' },
  )
  expect(segmentsWith(site.audit, 'jsonl.gz').length).toBeGreaterThan(0)
  expect(below(daemon.pid).length, 'the child that talks to Kafka').toBeGreaterThan(0)
  expect(findInProcesses(mark, daemon.pid)).toEqual([])
  await daemon.kill('SIGTERM')
  expect(findInLog(mark, site.audit)).toEqual([])
  const kafka = JSON.stringify(broker.topics.map((topic) => broker.records(topic)))
  for (const [place, text] of Object.entries({
    figures,
    metrics,
    support,
    records,
    syslog: receiver.messages.join('\n'),
    kafka,
    log: daemon.stderr() + daemon.stdout(),
  })) {
    expect(text.length, place).toBeGreaterThan(100)
    expect(text.includes(mark), place).toBe(false)
  }
  // The search itself works: what is no secret is found.
  expect(findInLog('/canary/absent', site.audit).length).toBeGreaterThan(0)
})

test('class 12: the local syslog gets its lines on standard input, and no process an argument or a variable of ours', async (context) => {
  requireProgram(context, 'logger')
  await using site = new Site({ audit: 'syslog = "local"' })
  const secret = createCanary('C-of-logger')
  await using traced = await startTraced(context, site, 'execve', ['-v', '-s', '100000'])
  using admin = await site.initialize()
  await admin.ok('set', { key: '/l/a', value: secret, encrypt: true })
  await admin.refused('user', { op: 'add', user: secret, password: secret })
  await waitFor(() => traced.text().includes('/usr/bin/logger'), { timeoutMs: 20_000 })
  await traced.kill()
  const text = traced.text()
  expect(text).not.toContain(secret)
  const runs = text.split('\n').filter((line) => line.includes('execve("/usr/bin/logger"'))
  expect(runs.length).toBeGreaterThan(0)
  for (const run of runs) {
    expect(run).not.toContain(site.home.path)
    expect(run).toContain('["PATH=/usr/bin:/bin", "LC_ALL=C"]')
  }
})

test('class 12: a secret given to every command that takes one leaks nowhere', async () => {
  await using desk = new Desk({ config: '[log]\nlevel = "trace"' })
  const { site } = desk
  await desk.open()
  const secret = `C! ${createCanary('cli')}`
  const mark = secret.slice(3)
  const secretLine = `${secret}\n`
  desk.file('import.env', `A="${secret}"\n`)
  const output: string[] = []
  const run = async (line: string, input: string, code: number): Promise<void> => {
    const { code: ended, stdout, stderr } = await desk.sh(`sreg ${line}`, input)
    output.push(stdout, stderr)
    expect(ended, `${line}\n${stderr}`).toBe(code)
  }
  await run('set /cli/a - --encrypt', secret, 0)
  await run('set /cli/b - --type integer', secret, 1)
  await run('set relative - ', secret, 1)
  await run('txn', `{"then":[{"op":"set","key":"/cli/t","value":${JSON.stringify(secret)}}]}`, 0)
  await run('txn', `{"then":[${JSON.stringify(secret)}]}`, 1)
  await run('import import.env --format dotenv --prefix /cli/env', '', 0)
  await run(`login ${ADMIN} --password-stdin`, secretLine, 4)
  await run('login --token-stdin', secretLine, 4)
  await run('passwd --password-stdin', `${PASSWORD}\n${secretLine}`, 0)
  await run('passwd --password-stdin', `${PASSWORD}\n${secretLine}`, 4)
  await run('user add eve --password-stdin', secretLine, 0)
  await run('user password eve --password-stdin', secretLine, 0)
  await run('login eve --password-stdin', secretLine, 0)
  await run(`login ${ADMIN} --password-stdin`, secretLine, 0)
  await run('zone add mail --allow-passwd', '', 0)
  await run('zone check mail box --password-stdin', secretLine, 4)
  await run('export --encrypt --output sealed --password-stdin', secretLine, 0)
  await run('import sealed --decrypt --password-stdin', `${mark}\n`, 8)
  await run('unlock --password-stdin', secretLine, 0)
  await run('protector add passphrase --password-stdin', `${PASSPHRASE}\n${secretLine}`, 0)
  await run('audit --json --limit 1000', '', 0)
  await run('support-bundle --output bundle', '', 0)
  output.push(readFileSync(desk.path('bundle'), 'latin1'))
  await desk.stop()
  expect(findInLog(mark, site.audit)).toEqual([])
  const log = `${desk.daemon?.stderr()}${desk.daemon?.stdout()}`
  expect(log.length).toBeGreaterThan(100)
  expect(log.includes(mark)).toBe(false)
  for (const text of output) expect(text.includes(mark), text.slice(0, 500)).toBe(false)
  expect(output.join('').length).toBeLessThan(MIB)
  expect(readFileSync(join(site.audit, '00000001.jsonl'), 'utf8')).toContain('"/cli/a"')
})
