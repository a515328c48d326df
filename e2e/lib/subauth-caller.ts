/** A process that asks at the socket of subauth, as another user and by Python alone (`e2e/subauth/caller.py`). */
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Child, startChild } from '@secreg/testkit'

const PROGRAM = fileURLToPath(new URL('../subauth/caller.py', import.meta.url))

// biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
type Any = any

/** What a request is answered with: `error`, and what the command gives. */
export interface SubauthReply {
  readonly error: string
  readonly token?: Any
  readonly ident?: Any
  readonly login?: Any
  readonly accounts?: Any
  readonly zones?: Any
}

/** What one packet has come to. */
export interface SubauthOutcome {
  readonly reply?: SubauthReply
  /** The server has closed. */
  readonly closed?: true
  /** What the kernel has refused. */
  readonly errno?: string
}

/** What is sent: a request, a text, or bytes in base64; and what goes along. */
export interface SubauthPacket {
  readonly request?: object
  readonly text?: string
  readonly base64?: string
  /** Uid and gid that the sender claims. */
  readonly states?: readonly [uid: number, gid: number]
  /** Number of descriptors that are passed on with it. */
  readonly passes?: number
}

export class SubauthCaller implements AsyncDisposable {
  readonly #child: Child
  readonly #waiting: ((line: string | undefined) => void)[] = []

  private constructor(child: Child) {
    this.#child = child
    const lines = createInterface({ input: child.process.stdout as NodeJS.ReadableStream })
    lines.on('line', (line) => this.#waiting.shift()?.(line))
    lines.on('close', () => {
      for (const tell of this.#waiting.splice(0)) tell(undefined)
    })
  }

  static async start(
    python: string,
    path: string,
    real: number,
    effective: number,
  ): Promise<SubauthCaller> {
    const args = ['-B', PROGRAM, path, String(real), String(effective)]
    const child = startChild(python, args, { keepInput: true })
    const caller = new SubauthCaller(child)
    await caller.#line()
    return caller
  }

  get pid(): number {
    return this.#child.pid
  }

  /** Do one step and give what it has come to, also when that is a refusal of the kernel. */
  async step(step: string, args: object = {}): Promise<Any> {
    const answer = this.#line()
    this.#child.process.stdin?.write(`${JSON.stringify({ do: step, ...args })}\n`)
    const found = JSON.parse(await answer) as { fault?: string }
    if (found.fault !== undefined) throw new Error(`${step}: ${found.fault}`)
    return found
  }

  open(name = 'main', more: object = {}): Promise<SubauthOutcome> {
    return this.step('open', { name, ...more })
  }

  close(name = 'main'): Promise<SubauthOutcome> {
    return this.step('close', { name })
  }

  send(packet: SubauthPacket, name = 'main'): Promise<SubauthOutcome> {
    return this.step('send', { ...packet, name })
  }

  receive(name = 'main'): Promise<SubauthOutcome> {
    return this.step('receive', { name })
  }

  /** Send and receive on an open connection. */
  exchange(packet: SubauthPacket, name = 'main'): Promise<SubauthOutcome> {
    return this.step('ask', { ...packet, name })
  }

  /** Ask on a connection that is made for it, and give the answer. */
  async ask(cmd: string, fields: object = {}): Promise<SubauthReply> {
    const { reply, ...else_ } = await this.step('once', { request: { cmd, ...fields } })
    if (reply === undefined) throw new Error(`${cmd}: ${JSON.stringify(else_)}`)
    return reply
  }

  /** Ask, and give the answer of a success. */
  async ok(cmd: string, fields: object = {}): Promise<SubauthReply> {
    const reply = await this.ask(cmd, fields)
    if (reply.error !== '') throw new Error(`${cmd}: ${reply.error}`)
    return reply
  }

  /** Ask, and give the text of the refusal, beside which nothing is answered. */
  async refused(cmd: string, fields: object = {}): Promise<string> {
    const reply = await this.ask(cmd, fields)
    if (reply.error === '' || Object.keys(reply).length !== 1) {
      throw new Error(`${cmd} was not refused: keys ${Object.keys(reply)}`)
    }
    return reply.error
  }

  /** Whether a secret opens an account. */
  async opens(zone: string, login: string, passwd: string): Promise<boolean> {
    return (await this.ask('login', { zone, login, passwd })).error === ''
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.kill()
  }

  async #line(): Promise<string> {
    const line = await new Promise<string | undefined>((resolve) => this.#waiting.push(resolve))
    if (line === undefined) throw new Error(`the caller has ended: ${this.#child.stderr()}`)
    return line
  }
}
