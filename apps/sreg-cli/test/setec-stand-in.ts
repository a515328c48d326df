/** A server of secrets that does what no real one should, for tests of what reads from one. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** Members of a request's body. */
export interface Asked {
  readonly operation: string
  readonly Name?: string
  readonly Version?: number
}

/** A status and a body: text as it is, anything else as JSON; `cut` breaks the connection. */
export type Answer = readonly [status: number, body: unknown] | 'cut'

export interface StandInSecret {
  readonly versions: Map<number, Buffer>
  active: number
}

/** Serves what its map holds, without any check, unless {@link SetecStandIn.instead} says otherwise. */
export class SetecStandIn {
  readonly secrets = new Map<string, StandInSecret>()
  readonly asked: Asked[] = []
  /** Most requests that were there at once. */
  mostAtOnce = 0
  #atOnce = 0
  /** Answers instead, where it answers. */
  instead: (asked: Asked) => Answer | undefined | Promise<Answer | undefined> = () => undefined
  url = ''
  readonly #server = createServer((request, response) => {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce)
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', async () => {
      const body = JSON.parse(Buffer.concat(pieces).toString())
      const asked: Asked = { operation: (request.url ?? '').replace('/api/', ''), ...body }
      this.asked.push(asked)
      const answer = (await this.instead(asked)) ?? this.#answer(asked)
      this.#atOnce--
      if (answer === 'cut') {
        response.destroy()
        return
      }
      const [status, content] = answer
      response.writeHead(status, status === 302 ? { location: 'http://127.0.0.1:1/' } : {})
      response.end(typeof content === 'string' ? content : JSON.stringify(content))
    })
  })

  static async start(): Promise<SetecStandIn> {
    const server = new SetecStandIn()
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    server.url = `http://127.0.0.1:${(server.#server.address() as AddressInfo).port}`
    onTestFinished(() => {
      server.#server.close()
      server.#server.closeAllConnections()
    })
    return server
  }

  /** Hold versions of a secret. */
  hold(name: string, versions: Readonly<Record<number, string | Buffer>>, active: number): void {
    const numbers = Object.entries(versions).map(([number, value]): [number, Buffer] => [
      Number(number),
      Buffer.from(value as string),
    ])
    this.secrets.set(name, { versions: new Map(numbers), active })
  }

  #answer({ operation, Name = '', Version = 0 }: Asked): Answer {
    if (operation === 'list') return [200, [...this.secrets.keys()].map((name) => this.#info(name))]
    const secret = this.secrets.get(Name)
    if (secret === undefined) return [404, 'not found\n']
    if (operation === 'info') return [200, this.#info(Name)]
    const value = secret.versions.get(Version)
    return value === undefined
      ? [404, 'not found\n']
      : [200, { Value: value.toString('base64'), Version }]
  }

  #info(name: string): object {
    const { versions = new Map(), active = 0 } = this.secrets.get(name) ?? {}
    return { Name: name, Versions: [...versions.keys()], ActiveVersion: active }
  }
}
