/** A decision point that speaks AuthZEN, in this process: it keeps what it is asked, and answers what a test wants. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One question as it was understood: what an item of a list does not say is taken from beside it. */
export interface PdpQuestion {
  readonly subject: { readonly id: string; readonly [name: string]: unknown }
  readonly action: { readonly name: string }
  readonly resource: {
    readonly type: string
    readonly id: string
    readonly properties?: Readonly<Record<string, string>>
  }
  readonly context: Readonly<Record<string, unknown>>
}

/** A request as it came. */
export interface PdpRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  // biome-ignore lint/suspicious/noExplicitAny: a body is whatever was sent
  readonly body: any
  readonly questions: readonly PdpQuestion[]
}

export type PdpDecision = Readonly<Record<string, unknown>>

/** Answers a request in another way than by decisions; undefined: by decisions. */
export type PdpFault = (request: PdpRequest, response: ServerResponse) => 'answered' | undefined

export const PERMIT: PdpDecision = Object.freeze({ decision: true })
export const DENY: PdpDecision = Object.freeze({ decision: false })

/** A permit with obligations of a grant. */
export function grantOf(properties: object): PdpDecision {
  return {
    decision: true,
    context: { obligations: [{ id: 'o1', type: 'custom', properties }] },
  }
}

export class RecordingPdp implements AsyncDisposable {
  readonly requests: PdpRequest[] = []
  /** Decides each question; default: permitted. */
  decide: (question: PdpQuestion) => PdpDecision = () => PERMIT
  /** Looks at every request first. */
  fault: PdpFault | undefined
  #server: Server | undefined
  #port = 0

  static async start(): Promise<RecordingPdp> {
    const pdp = new RecordingPdp()
    await pdp.start()
    return pdp
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Every question so far, of single requests and of lists. */
  get questions(): readonly PdpQuestion[] {
    return this.requests.flatMap(({ questions }) => questions)
  }

  /** Requests about a subject. */
  askedAbout(subject: string): readonly PdpRequest[] {
    return this.requests.filter(({ questions }) => questions[0]?.subject.id === subject)
  }

  /** Listen, on the same port as before. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy())
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, '127.0.0.1', resolve)
    })
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString())
    const path = incoming.url ?? ''
    const { evaluations, options: _, ...beside } = body
    const questions: PdpQuestion[] = path.endsWith('/evaluations')
      ? evaluations.map((item: object) => ({ ...beside, ...item }))
      : [beside]
    const request = { path, headers: incoming.headers, body, questions }
    this.requests.push(request)
    const id = incoming.headers['x-request-id']
    if (id !== undefined) response.setHeader('X-Request-ID', id)
    if (this.fault?.(request, response) === 'answered') return
    const decisions = questions.map((question) => this.decide(question))
    const answer = evaluations === undefined ? decisions[0] : { evaluations: decisions }
    sendJson(response, 200, answer)
  }
}

export function sendJson(response: ServerResponse, status: number, value: unknown): 'answered' {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(typeof value === 'string' ? value : JSON.stringify(value))
  return 'answered'
}
