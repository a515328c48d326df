/** One run of a PAM helper: a process group of its own that gets one question and answers by its exit code. */
import { type ChildProcess, spawn } from 'node:child_process'

/** What a helper says; `why` is in words without data. */
export type HelperAnswer =
  | { readonly answer: 'good' | 'refused' }
  | { readonly answer: 'unavailable'; readonly why: string }

/** A helper that runs. */
export interface HelperRun {
  /** Comes at the latest with the time-out; never rejects. */
  readonly answer: Promise<HelperAnswer>
  /** Resolves when the process is gone. One that the kernel cannot end yet may outlive its answer. */
  readonly gone: Promise<void>
  /** Kill it with its process group. */
  kill(): void
}

/** The whole environment of a helper. */
const ENVIRONMENT = Object.freeze({ PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' })
const EXIT = Object.freeze({ good: 0, refused: 1 })

/**
 * Start a helper and ask it.
 *
 * @param path - absolute, checked by the caller
 * @param question - wiped once the helper has it, or cannot have it any more
 */
export function runHelper(path: string, question: Buffer, timeoutMs: number): HelperRun {
  let child: ChildProcess
  try {
    // Its own session, to be killed as a group. Of its output nothing is read: it could repeat what it was told.
    child = spawn(path, [], {
      cwd: '/',
      env: ENVIRONMENT,
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      shell: false,
    })
  } catch {
    question.fill(0)
    const answer: HelperAnswer = { answer: 'unavailable', why: 'it could not be started' }
    return { answer: Promise.resolve(answer), gone: Promise.resolve(), kill: () => {} }
  }
  send(child, question)
  return watch(child, timeoutMs)
}

function watch(child: ChildProcess, timeoutMs: number): HelperRun {
  let isGone = false
  const kill = (): void => {
    // The number of a process that was waited for may be another's.
    if (!isGone) killGroup(child.pid)
  }
  const ended = new Promise<HelperAnswer>((resolve) => {
    const end = (said: HelperAnswer): void => {
      isGone = true
      resolve(said)
    }
    child.once('exit', (code, signal) => end(answerOf(code, signal)))
    child.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return
      end({ answer: 'unavailable', why: `it could not be started (${code ?? 'unknown'})` })
    })
  })
  const answer = new Promise<HelperAnswer>((resolve) => {
    const timer = setTimeout(() => {
      resolve({ answer: 'unavailable', why: `no answer within ${timeoutMs} ms` })
      kill()
    }, timeoutMs)
    void ended.then((said) => {
      clearTimeout(timer)
      resolve(said)
    })
  })
  return { answer, gone: ended.then(() => {}), kill }
}

function send({ stdin }: ChildProcess, question: Buffer): void {
  if (stdin === null) {
    question.fill(0)
    return
  }
  // A helper may end without reading; its exit code says what that means.
  stdin.on('error', () => {})
  stdin.once('close', () => question.fill(0))
  stdin.end(question)
}

function answerOf(code: number | null, signal: NodeJS.Signals | null): HelperAnswer {
  if (code === EXIT.good) return { answer: 'good' }
  if (code === EXIT.refused) return { answer: 'refused' }
  const why = code === null ? `it was ended by ${signal}` : `it ended with ${code}`
  return { answer: 'unavailable', why }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has just ended by itself.
  }
}
