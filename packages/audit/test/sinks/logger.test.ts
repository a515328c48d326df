import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireProgram, requirePython, startChild, waitFor } from '@secreg/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { deliverLogger } from '../../src/sinks/syslog/logger.ts'
import { restoreLine } from '../../src/sinks/syslog/visible.ts'
import { range } from '../support.ts'
import { fakeLog, HOSTILE_TEXTS, recordOf } from './support.ts'

const never = new AbortController().signal

function home(): string {
  const path = mkdtempSync(join(tmpdir(), 'logger-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A program in place of logger(1) that keeps what it was given. */
function standIn(script: string): { program: string; read: (name: string) => string } {
  const path = home()
  const program = join(path, 'logger')
  writeFileSync(program, `#!/bin/sh\ncd '${path}'\n${script}\n`)
  chmodSync(program, 0o755)
  return { program, read: (name) => readFileSync(join(path, name), 'utf8') }
}

const KEEP = 'printf "%s\\n" "$@" > argv; env > env; cat > stdin'

test('texts go to stdin, one a line; nothing of them or of us is in argv or environment', async () => {
  const { program, read } = standIn(KEEP)
  process.env['CANARY_VARIABLE'] = 'canary-environment'
  onTestFinished(() => {
    delete process.env['CANARY_VARIABLE']
  })
  const log = fakeLog()
  log.add(...HOSTILE_TEXTS.map((user) => ({ user, secretName: 'canary-body' })))
  const describe = ({ sequence }: { sequence: number }) => ({
    severity: sequence % 8,
    msgid: 'x',
    params: {},
  })
  await deliverLogger({ program, facility: 13, describe })(log.records, never)
  const lines = read('stdin').split('\n')
  expect(lines.pop()).toBe('')
  expect(lines.map((line) => Number(/^<(\d+)>\{/.exec(line)?.[1]))).toEqual(
    log.records.map(({ sequence }) => 13 * 8 + (sequence % 8)),
  )
  expect(lines.map((line) => restoreLine(line.slice(line.indexOf('{'))))).toEqual(
    log.records.map(({ line }) => line),
  )
  expect(read('argv').split('\n').slice(0, -1)).toEqual([
    '--prio-prefix',
    '--tag=secreg',
    `--id=${process.pid}`,
    '--size=8192',
    '--socket-errors=on',
  ])
  expect(read('argv') + read('env')).not.toContain('canary')
  expect(
    read('env')
      .split('\n')
      .map((line) => line.split('=')[0]),
  ).toEqual(expect.arrayContaining(['PATH', 'LC_ALL']))
})

test('a text that is too long is cut, and fits with what logger is told', async () => {
  const { program, read } = standIn(KEEP)
  const record = recordOf({ text: 'é'.repeat(3000) })
  const describe = () => ({ severity: 6, msgid: '', params: { user: 'x'.repeat(9000) } })
  await deliverLogger({ program, maxBytes: 1024, describe })([record], never)
  const text = read('stdin').trimEnd().slice('<86>'.length)
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024)
  expect(JSON.parse(text)).toMatchObject({ seq: 1, about: { user: 'x'.repeat(256) } })
  expect(read('argv')).toContain('--size=1024')
})

test.each([
  ['ends with 1', 'cat > /dev/null; exit 1'],
  ['reads nothing', 'exit 1'],
  ['complains and ends with 0', 'cat > /dev/null; echo "send message failed: peer text" >&2'],
  ['kills itself', 'kill -9 $$'],
])('a program that %s has not delivered', async (_, script) => {
  const { program } = standIn(script)
  const records = fakeLog(2000).records
  const error = await deliverLogger({ program })(records, never).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ name: 'SinkError', code: 'ERR_SINK_PROGRAM' })
  expect(String(error)).not.toContain('peer text')
})

test('a program that is not there', async () => {
  const program = join(home(), 'nothing')
  await expect(deliverLogger({ program })([recordOf({})], never)).rejects.toMatchObject({
    code: 'ENOENT',
  })
})

test('a program that hangs is killed', async () => {
  const { program, read } = standIn('echo $$ > pid; exec sleep 1000')
  const abort = new AbortController()
  const reason = new Error('too long')
  const delivered = deliverLogger({ program })([recordOf({})], abort.signal)
  delivered.catch(() => {})
  const pid = await waitFor(() => Number(read('pid')), { what: 'the program' })
  abort.abort(reason)
  await expect(delivered).rejects.toBe(reason)
  await waitFor(() => !existsSync(`/proc/${pid}`), { what: 'its end' })
})

test('an aborted signal starts nothing', async () => {
  const { program, read } = standIn(KEEP)
  await expect(
    deliverLogger({ program })([recordOf({})], AbortSignal.abort(new Error('gone'))),
  ).rejects.toThrow('gone')
  expect(() => read('argv')).toThrow('ENOENT')
})

const DAEMON = `
import socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1])
print('ready', flush=True)
while True:
    print(server.recv(1 << 20).hex(), flush=True)
`

test('a real logger brings every record as one datagram of the local form', async (context) => {
  const program = requireProgram(context, 'logger')
  const python = requirePython(context, 'socket')
  const socket = join(home(), 'log')
  const deliver = deliverLogger({
    program,
    socket,
    describe: ({ sequence }) => ({ severity: sequence % 8, msgid: '', params: {} }),
  })
  const log = fakeLog()
  log.add(...HOSTILE_TEXTS.map((user) => ({ user })), ...range(300), 'x'.repeat(20_000))
  // Nobody listens yet: not passed over in silence.
  await expect(deliver(log.records, never)).rejects.toMatchObject({ code: 'ERR_SINK_PROGRAM' })
  const daemon = startChild(python, ['-c', DAEMON, socket])
  onTestFinished(async () => void (await daemon.kill()))
  await daemon.line(/^ready$/)
  await deliver(log.records, never)
  const received = (): string[] => daemon.stdout().split('\n').slice(1, -1)
  await waitFor(() => received().length >= log.records.length, { what: 'all messages' })
  expect(received()).toHaveLength(log.records.length)
  received().forEach((hex, index) => {
    const { sequence, line } = log.records[index] as (typeof log.records)[number]
    const text = Buffer.from(hex, 'hex').toString('utf8')
    const [, priority, pid, shown = ''] =
      /^<(\d+)>\w{3} [ \d]\d \d\d:\d\d:\d\d secreg\[(\d+)\]: (\{.*\})$/.exec(text) ?? []
    expect(Number(priority)).toBe(80 + (sequence % 8))
    expect(Number(pid)).toBe(process.pid)
    if (line.length < 8192) expect(restoreLine(shown)).toBe(line)
    else expect(JSON.parse(shown)).toMatchObject({ seq: sequence, cut: line.length })
  })
})

test.each([
  [TypeError, { program: 'logger' }],
  [TypeError, { program: './logger' }],
  [TypeError, { program: '/bin/logger\0x' }],
  [TypeError, { socket: 'log' }],
  [RangeError, { facility: 24 }],
  [RangeError, { maxBytes: 100 }],
])('%o for %j', (error, options) => {
  expect(() => deliverLogger(options)).toThrow(error)
})
