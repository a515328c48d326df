/**
 * The daemon's side of its egress child: the process that does all work towards the outside and never has a key of the
 * registry (DESIGN §1). It is started for the first question, with nothing of the environment but what it needs; the next
 * question after its end starts another, not before a pause that grows while it keeps ending.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { childEnvironment } from '../child-environment.ts'
import { EgressRoom } from './egress-room.ts'
import { EgressError, type EgressErrorCode } from './errors.ts'
import { encodeFrame, FrameReader } from './frames.ts'
import {
  EGRESS_LIMITS,
  type EgressAnswer,
  type EgressOp,
  type EgressPayload,
  type EgressResult,
  readAnswer,
  readResult,
} from './messages.ts'

export interface EgressOptions {
  /** Program and arguments of the child. Default: `egress` of the program that this is a part of. */
  readonly command?: readonly [string, ...string[]]
  /** Milliseconds from any point, never going back. Default: `performance.now()`. */
  readonly now?: () => number
  /** Told of each end of a child that was not asked for, with the pause before the next one in milliseconds. */
  readonly onEnd?: (pauseMs: number) => void
  /** Time for a child to answer what was taken back, milliseconds; then it is killed. Default 5,000. */
  readonly cancelMs?: number
}

export interface CallOptions {
  /** Time for the answer, milliseconds; then the question is taken back. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** Pause after the first end, and the longest. */
const PAUSE_MS = Object.freeze({ first: 250, most: 30_000 })
const CANCEL_MS = 5000
const GRACE_MS = 1000
/** Memory of the child's heap, MiB. */
const HEAP_MIB = 128
/** Of the daemon's environment, what the child gets: where the system's programs are, how it writes, whom it trusts. */
const ENVIRONMENT = ['PATH', 'LANG', 'LC_ALL', 'NODE_EXTRA_CA_CERTS'] as const

interface Call {
  settle(answer: EgressAnswer | EgressErrorCode): void
}

/** One life of the child. */
interface Child {
  readonly process: ChildProcess
  readonly calls: Map<number, Call>
  readonly room: EgressRoom
  /** Questions taken back, which the child still has to answer. */
  readonly cancelled: Map<number, NodeJS.Timeout>
  readonly gone: Promise<void>
}

export class Egress {
  readonly #options: EgressOptions
  readonly #command: readonly [string, ...string[]]
  readonly #now: () => number
  #child: Child | undefined
  #lastId = 0
  #pauseMs = 0
  #startsFrom = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(options: EgressOptions = {}) {
    this.#options = options
    this.#command = options.command ?? ownCommand()
    this.#now = options.now ?? (() => performance.now())
  }

  /** Id of the child's process, while it runs. */
  get pid(): number | undefined {
    return this.#child?.process.pid
  }

  /**
   * Ask the child.
   *
   * @throws EgressError; after `ERR_EGRESS_TIMEOUT`, `_CANCELLED` and `_CHILD_GONE` it may have been done all the same
   */
  call<O extends EgressOp>(
    op: O,
    payload: EgressPayload<O>,
    { timeoutMs, signal }: CallOptions,
  ): Promise<EgressResult<O>> {
    return new Promise((resolve, reject) => {
      const fail = (code: EgressErrorCode): void => reject(new EgressError(code))
      const refuse = (code: EgressErrorCode): void => reject(new EgressError(code, true))
      if (this.#closed) return refuse('ERR_EGRESS_CLOSED')
      if (signal?.aborted === true) return refuse('ERR_EGRESS_CANCELLED')
      const id = ++this.#lastId
      const frame = encodeFrame({ id, op, payload }, EGRESS_LIMITS.questionBytes)
      if (frame === undefined) return refuse('ERR_EGRESS_TOO_LARGE')
      const child = this.#running()
      if (child === undefined) return refuse('ERR_EGRESS_CHILD_GONE')
      if (!child.room.take(id, op, frame.length)) return refuse('ERR_EGRESS_BUSY')
      const takeBack = (code: EgressErrorCode): void => {
        this.#cancel(child, id)
        call.settle(code)
      }
      const timer = setTimeout(() => takeBack('ERR_EGRESS_TIMEOUT'), timeoutMs)
      const onAbort = (): void => takeBack('ERR_EGRESS_CANCELLED')
      signal?.addEventListener('abort', onAbort, { once: true })
      const call: Call = {
        settle: (answer) => {
          child.calls.delete(id)
          clearTimeout(timer)
          signal?.removeEventListener('abort', onAbort)
          if (typeof answer === 'string') return fail(answer)
          if (!answer.ok) return fail(`ERR_EGRESS_${answer.error}`)
          const result = readResult(op, answer.result)
          if (result !== undefined) return resolve(result)
          fail('ERR_EGRESS_INTERNAL')
          child.process.kill('SIGKILL')
        },
      }
      child.calls.set(id, call)
      child.process.stdin?.write(frame)
    })
  }

  /** Take back what is asked, and end the child; when it does not end within `graceMs`, default 1,000, it is killed. */
  async close(graceMs: number = GRACE_MS): Promise<void> {
    this.#closed = true
    const child = this.#child
    if (child === undefined) return
    for (const call of [...child.calls.values()]) call.settle('ERR_EGRESS_CLOSED')
    child.process.stdin?.end()
    const timer = setTimeout(() => child.process.kill('SIGKILL'), graceMs)
    await child.gone
    clearTimeout(timer)
  }

  #running(): Child | undefined {
    if (this.#child !== undefined) return this.#child
    if (this.#now() < this.#startsFrom) return undefined
    return this.#start()
  }

  #start(): Child | undefined {
    const [program, ...args] = this.#command
    let spawned: ChildProcess
    try {
      // Of what it prints nothing is read: it could repeat what a peer said. Answers come framed, and are checked.
      spawned = spawn(program, args, {
        cwd: '/',
        env: childEnvironment(ENVIRONMENT),
        stdio: ['pipe', 'pipe', 'ignore'],
        shell: false,
      })
    } catch {
      this.#pause()
      return undefined
    }
    const calls = new Map<number, Call>()
    const cancelled = new Map<number, NodeJS.Timeout>()
    const gone = new Promise<void>((resolve) => {
      const end = (): void => {
        if (this.#child !== child) return
        this.#child = undefined
        for (const timer of cancelled.values()) clearTimeout(timer)
        if (!this.#closed) this.#pause()
        for (const call of [...calls.values()]) call.settle('ERR_EGRESS_CHILD_GONE')
        resolve()
      }
      spawned.once('close', end)
      spawned.once('error', () => {
        if (spawned.pid === undefined) end()
      })
    })
    const child: Child = { process: spawned, calls, room: new EgressRoom(), cancelled, gone }
    // Its end is what is acted upon.
    spawned.stdin?.on('error', () => {})
    spawned.stdout?.on('error', () => {})
    const reader = new FrameReader(EGRESS_LIMITS.answerBytes)
    spawned.stdout?.on('data', (chunk: Buffer) => {
      try {
        for (const message of reader.push(chunk)) this.#take(child, readAnswer(message))
      } catch {
        spawned.kill('SIGKILL')
      }
    })
    this.#child = child
    return child
  }

  #take(child: Child, answer: EgressAnswer | undefined): void {
    if (answer === undefined) throw new TypeError('no answer')
    child.room.give(answer.id)
    const timer = child.cancelled.get(answer.id)
    if (timer !== undefined) {
      clearTimeout(timer)
      child.cancelled.delete(answer.id)
      return
    }
    const call = child.calls.get(answer.id)
    if (call === undefined) throw new TypeError('an answer that nobody asked for')
    this.#pauseMs = 0
    call.settle(answer)
  }

  #cancel(child: Child, id: number): void {
    if (!child.calls.has(id)) return
    const { cancelMs = CANCEL_MS } = this.#options
    child.cancelled.set(
      id,
      setTimeout(() => child.process.kill('SIGKILL'), cancelMs),
    )
    const frame = encodeFrame({ cancel: id }, EGRESS_LIMITS.questionBytes)
    if (frame !== undefined) child.process.stdin?.write(frame)
  }

  #pause(): void {
    this.#pauseMs = Math.min(
      this.#pauseMs === 0 ? PAUSE_MS.first : 2 * this.#pauseMs,
      PAUSE_MS.most,
    )
    this.#startsFrom = this.#now() + this.#pauseMs
    this.#options.onEnd?.(this.#pauseMs)
  }
}

function ownCommand(): [string, ...string[]] {
  const program = fileURLToPath(new URL('./main.js', import.meta.url))
  return [process.execPath, `--max-old-space-size=${HEAP_MIB}`, program, 'egress']
}
