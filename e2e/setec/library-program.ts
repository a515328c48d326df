/**
 * The Go program in `library`, which uses setec's own client library as it is. Only what is in the module cache is
 * used: `go mod download` there fetches it.
 */
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import {
  type Child,
  cleanEnv,
  requireProgram,
  runChild,
  type SkippableContext,
  skipTest,
  startChild,
} from '@secreg/testkit'
import { expect } from 'vitest'

const SOURCE = fileURLToPath(new URL('library', import.meta.url))

/** Compile it to a file; the test is skipped where that cannot be done. */
export async function buildLibrary(context: SkippableContext, file: string): Promise<void> {
  const go = requireProgram(context, 'go')
  const { code, stderr } = await runChild(go, ['build', '-o', file, '.'], {
    cwd: SOURCE,
    env: cleanEnv({ GOFLAGS: '-mod=readonly', GOPROXY: 'off', GOTOOLCHAIN: 'local' }),
    // The first time, everything that it needs is compiled.
    timeoutMs: 300_000,
  })
  if (/GOPROXY=off|toolchain not available|requires go >=/.test(stderr)) {
    skipTest(context, 'Go modules of library beside this file are not in the module cache')
  }
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
}

/** What it answers; see `Answer` in main.go. */
export interface LibraryAnswer {
  readonly Failed?: string
  readonly Message?: string
  readonly Value?: string
  readonly Version?: number
  readonly Info?: { readonly Name: string; readonly Versions: number[]; ActiveVersion: number }
  readonly List?: readonly LibraryAnswer['Info'][]
  readonly Text?: string
  readonly Settings?: Readonly<Record<string, unknown>>
  readonly Metrics?: Readonly<Record<string, number>>
}

/** The program, running. */
export class LibraryProgram implements AsyncDisposable {
  readonly child: Child
  readonly #answers: AsyncIterator<string>

  constructor(file: string) {
    this.child = startChild(file, [], { keepInput: true })
    const { stdout } = this.child.process
    if (stdout === null) throw new Error('no output')
    this.#answers = createInterface({ input: stdout })[Symbol.asyncIterator]()
  }

  /** Have something done; answers what comes of it, also a failure. */
  async ask(Op: string, more: object = {}): Promise<LibraryAnswer> {
    this.child.process.stdin?.write(`${JSON.stringify({ Op, ...more })}\n`)
    const { value, done } = await this.#answers.next()
    if (done === true) throw new Error(`it has ended: ${this.child.stderr()}`)
    return JSON.parse(value as string) as LibraryAnswer
  }

  /** Have done what has to succeed. */
  async ok(Op: string, more: object = {}): Promise<LibraryAnswer> {
    const answer = await this.ask(Op, more)
    expect(answer, Op).not.toHaveProperty('Failed')
    return answer
  }

  /** Have done what gives a value; answers it as text. */
  async text(Op: string, more: object = {}): Promise<string> {
    const { Value = '' } = await this.ok(Op, more)
    return Buffer.from(Value, 'base64').toString()
  }

  /** Have done what has to fail; answers the kind of the failure. */
  async fails(Op: string, more: object = {}): Promise<string | undefined> {
    return (await this.ask(Op, more)).Failed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.kill()
  }
}
