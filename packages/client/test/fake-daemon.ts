/** A small server that speaks frames through the codec; each test says what it answers. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChangeEvent, LIMITS, type WatchEventMessage } from '@secreg/protocol'
import { decodePayload, encodeFrame, FrameReader } from '@secreg/wire-codec'

export interface Asked {
  readonly type: number
  readonly sessionId: string
  readonly payload: Record<string, unknown>
  readonly bytes: number
  readonly socket: Socket
}

export interface FakeDaemon extends AsyncDisposable {
  readonly path: string
  readonly asked: Asked[]
  readonly sockets: Set<Socket>
  /** Resolves once so many requests have come. */
  until(count: number): Promise<void>
}

export const answer = (socket: Socket, type: number, payload: object | string): boolean =>
  socket.write(
    encodeFrame('length', {
      type,
      timestampMs: 1_700_000_000_000,
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    }),
  )

/** Bytes of one message. */
export const frameOf = (type: number, payload: object): Buffer =>
  Buffer.from(
    encodeFrame('length', {
      type,
      timestampMs: 1_700_000_000_000,
      payload: JSON.stringify(payload),
    }),
  )

/** Push events of a watch. */
export const push = (socket: Socket, message: Partial<WatchEventMessage>): boolean =>
  answer(socket, 0x80, { watch_id: 1, events: [], ...message })

/** A change of an entry. */
export const change = (key: string): ChangeEvent => ({
  op: 'set',
  key,
  version: 1,
  type: 'string',
  encrypted: false,
})

export const refuse = (socket: Socket, reason: string, code: number, extra: object = {}): boolean =>
  answer(socket, 0xff, {
    code,
    name: 'x',
    message: `refused: ${reason}`,
    reason,
    errno: 1,
    ...extra,
  })

/** Start one; `handle` is called for each request. */
export async function fakeDaemon(handle: (asked: Asked) => void): Promise<FakeDaemon> {
  const home = mkdtempSync(join(tmpdir(), 'secreg-client-'))
  const path = join(home, 'socket')
  const asked: Asked[] = []
  const sockets = new Set<Socket>()
  let wake: (() => void)[] = []
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    const reader = new FrameReader({ framing: 'length', maxFrameBytes: LIMITS.frameBytes })
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk)
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        const one = {
          type: frame.type,
          sessionId: frame.sessionId,
          payload: decodePayload(frame.payload),
          bytes: 10 + frame.sessionId.length + frame.payload.length,
          socket,
        }
        asked.push(one)
        handle(one)
      }
      for (const resolve of wake.splice(0)) resolve()
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    path,
    asked,
    sockets,
    async until(count) {
      while (asked.length < count) await new Promise<void>((resolve) => wake.push(resolve))
      wake = []
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** A get answer. */
export const entry = (value: string | null, type = 'string', encrypted = false): object => ({
  value,
  type,
  encrypted,
  version: 1,
  created_at: 1,
  created_by: 'root',
  modified_at: 2,
  modified_by: 'root',
  modify_revision: 3,
})
