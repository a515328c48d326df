import { type ChildProcess, spawn } from 'node:child_process'
import { isAbsolute } from 'node:path'
import { SinkError } from '../errors.ts'
import type { Deliver } from '../runner.ts'
import type { ForwardRecord } from '../source.ts'
import { DESCRIBE_NOTHING, type DescribeRecord, describeSafely } from './describe.ts'
import { assertMessageBytes, checkFacility } from './format.ts'
import { CUT_TEXT_BYTES, leafOf, messageText } from './message-text.ts'

export interface LoggerOptions {
  /** Absolute path of logger(1) of util-linux, with `--socket-errors`; default `/usr/bin/logger`. */
  readonly program?: string
  /** Absolute path of the daemon's socket; default: that of the system. */
  readonly socket?: string
  /** 0 to 23; default 10, which daemons keep from ordinary users. 0 is logger's own default. */
  readonly facility?: number
  /** Bytes of one text; at least 1024, default 8192. */
  readonly maxBytes?: number
  readonly describe?: DescribeRecord
}

/** The program needs none of ours, and finds none of our secrets. */
const ENVIRONMENT = Object.freeze({ PATH: '/usr/bin:/bin', LC_ALL: 'C' })

/**
 * Deliver records to the local syslog daemon through logger(1), which speaks its datagram socket:
 * Node.js cannot. One process a batch, no shell, texts on stdin only, one a line. A batch is
 * delivered when the program ends with 0 and without a complaint: where a single message could not
 * be sent it warns and still ends with 0. What the daemon does with a message nobody learns.
 * @throws TypeError, RangeError for wrong options.
 */
export function deliverLogger(options: LoggerOptions = {}): Deliver {
  const { program = '/usr/bin/logger', socket, maxBytes = 8192 } = options
  assertAbsolute('program', program)
  if (socket !== undefined) assertAbsolute('socket', socket)
  assertMessageBytes(maxBytes)
  const facility = checkFacility(options.facility)
  const describe = options.describe ?? DESCRIBE_NOTHING
  const args = [
    '--prio-prefix',
    '--tag=secreg',
    `--id=${process.pid}`,
    `--size=${maxBytes}`,
    // By default a daemon that is away is passed over in silence.
    '--socket-errors=on',
    ...(socket === undefined ? [] : [`--socket=${socket}`]),
  ]
  const textOf = (record: ForwardRecord): string => {
    const { severity, params } = describeSafely(describe, record)
    const aboutBytes = Math.floor((maxBytes - CUT_TEXT_BYTES) / 2)
    const text = messageText(record, leafOf(record), params, maxBytes, aboutBytes)
    return `<${facility * 8 + severity}>${text}\n`
  }
  return async (records, signal) => {
    signal.throwIfAborted()
    const child = spawn(program, args, {
      env: ENVIRONMENT,
      cwd: '/',
      stdio: ['pipe', 'ignore', 'pipe'],
      shell: false,
    })
    await run(child, records.map(textOf).join(''), signal)
  }
}

function run(child: ChildProcess, input: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let complained = false
    const kill = (): void => {
      child.kill('SIGKILL')
      // A process that it left behind may hold the pipe open; "close" would then not come.
      settle(signal.reason)
    }
    const settle = (error?: unknown): void => {
      signal.removeEventListener('abort', kill)
      child.stderr?.destroy()
      if (error === undefined) resolve()
      else reject(error)
    }
    signal.addEventListener('abort', kill)
    // Not there, not executable, no memory.
    child.on('error', settle)
    child.stderr?.on('data', () => {
      complained = true
    })
    child.on('close', (code) => {
      if (code === 0 && !complained) settle()
      else settle(new SinkError('ERR_SINK_PROGRAM', `the program ended with ${code}`))
    })
    // A program that ends early is judged by how it ends.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

function assertAbsolute(name: string, path: string): void {
  if (typeof path !== 'string' || !isAbsolute(path) || path.includes('\0')) {
    throw new TypeError(`${name} must be an absolute path`)
  }
}
