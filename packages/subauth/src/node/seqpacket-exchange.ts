/** Packets that are answered, over a SOCK_SEQPACKET connection: one request at a time. */
import type { ReceivedPacket, SeqpacketSocket } from '@secreg/unix-socket'
import type { PacketExchange } from '../client/packet-exchange.ts'
import { SubauthError } from '../errors.ts'

/** Whoever waits for a reply. */
interface Waiting {
  readonly resolve: (packet: Uint8Array) => void
  readonly reject: (error: SubauthError) => void
}

export class SeqpacketExchange implements PacketExchange {
  readonly #socket: SeqpacketSocket
  readonly #timeoutMs: number
  readonly #closed: Promise<void>
  /** Settles, never rejected, once everything that was asked has been answered. */
  #last: Promise<void> = Promise.resolve()
  #waiting: Waiting | undefined
  /** Why nothing more can be asked. */
  #over: SubauthError | undefined

  /**
   * @param socket - connected or about to be; it belongs to this from now on
   * @param timeoutMs - of one request, from when it is sent, milliseconds; 0 = no limit
   */
  constructor(socket: SeqpacketSocket, timeoutMs: number) {
    this.#socket = socket
    this.#timeoutMs = timeoutMs
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#end(new SubauthError('CONNECTION_LOST'))
        resolve()
      })
    })
    socket.on('error', (cause) => this.#end(new SubauthError('CONNECTION_LOST', { cause })))
    socket.on('packet', (packet) => this.#receive(packet))
  }

  request(packet: Uint8Array): Promise<Uint8Array> {
    const answer = this.#last.then(() => this.#exchange(packet))
    this.#last = answer.then(
      () => {},
      () => {},
    )
    return answer
  }

  async close(): Promise<void> {
    const last = this.#last
    this.#last = last.then(() => this.#end(new SubauthError('CLOSED')))
    await this.#last
    this.#socket.end()
    await this.#closed
  }

  #exchange(packet: Uint8Array): Promise<Uint8Array> {
    if (this.#over !== undefined) return Promise.reject(this.#over)
    return new Promise((resolve, reject) => {
      const timer =
        this.#timeoutMs > 0
          ? setTimeout(() => this.#destroy(new SubauthError('TIMEOUT')), this.#timeoutMs)
          : undefined
      this.#waiting = {
        resolve(answer) {
          clearTimeout(timer)
          resolve(answer)
        },
        reject(error) {
          clearTimeout(timer)
          reject(error)
        },
      }
      this.#socket.send(packet, (cause) => {
        if (cause !== undefined) this.#destroy(new SubauthError('CONNECTION_LOST', { cause }))
      })
    })
  }

  #receive({ data, truncated }: ReceivedPacket): void {
    const waiting = this.#waiting
    // What nobody has asked for would be taken for the answer to what is asked next.
    if (waiting === undefined || truncated) {
      this.#destroy(new SubauthError('ANSWER_INVALID'))
      return
    }
    this.#waiting = undefined
    waiting.resolve(data)
  }

  #destroy(error: SubauthError): void {
    this.#end(error)
    this.#socket.destroy()
  }

  #end(error: SubauthError): void {
    this.#over ??= error
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(error)
  }
}
