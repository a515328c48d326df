import { setImmediate as turn } from 'node:timers/promises'
import { REFUSALS, SubauthError } from '@secreg/subauth'
import {
  type ReceivedLike,
  type ServeConnectionOptions,
  type SubauthAnswer,
  type SubauthPort,
  serveConnection,
} from '@secreg/subauth/server'
import { waitFor } from '@secreg/testkit'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FakeConnection } from './fake-connection.ts'
import { GENEROUS, portOf } from './ports.ts'

const NOP = '{"cmd":"nop"}'
const OK = '{"error":""}'
const refusal = (reason: keyof typeof REFUSALS) => JSON.stringify({ error: REFUSALS[reason].text })
const createAccount = (login: string) => JSON.stringify({ cmd: 'create-acct', zone: 'mail', login })

function serve(
  port: SubauthPort,
  options: Partial<ServeConnectionOptions> = {},
  connection = new FakeConnection(),
) {
  const served = serveConnection(connection, { portOf: () => port, ...options })
  return { connection, served, sent: connection.sent }
}

/** A port whose calls are held until they are let go. */
function held() {
  const calls: { readonly argument: unknown; readonly settle: (error?: unknown) => void }[] = []
  const port = portOf((_, argument) => {
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown) => (error === undefined ? resolve(true) : reject(error))
      calls.push({ argument, settle })
    })
  })
  return { calls, port }
}

describe('requests', () => {
  test('are answered one packet each, in their order', async () => {
    const { connection, sent } = serve(GENEROUS)
    connection.arrive(NOP)
    await waitFor(() => sent.length === 1)
    connection.arrive('{"cmd":"create-temp","zone":"m","validity":1}')
    await waitFor(() => sent.length === 2)
    expect(sent).toEqual([OK, '{"error":"","token":"abcd-1"}'])
  })

  test('of a client that does not wait are done one at a time, and nothing is read meanwhile', async () => {
    const { calls, port } = held()
    const { connection, sent, served } = serve(port)
    connection.arrive(...Array.from({ length: 1000 }, (_, n) => createAccount(`user${n}`)), NOP)
    for (let n = 0; n < 1000; n++) {
      await waitFor(() => calls.length === n + 1, { intervalMs: 0 })
      expect(connection.isPaused).toBe(true)
      expect(connection.waiting.length).toBe(1000 - n)
      expect(served.busy).toBe(true)
      calls[n]?.settle(n % 2 === 0 ? undefined : new SubauthError('ACCOUNT_EXISTS'))
    }
    await waitFor(() => sent.length === 1001)
    expect(sent).toEqual([
      ...Array.from({ length: 1000 }, (_, n) => (n % 2 === 0 ? OK : refusal('ACCOUNT_EXISTS'))),
      OK,
    ])
    expect(connection.isPaused).toBe(false)
    expect(served.busy).toBe(false)
  })

  test('are asked for their port each, for who sent them', async () => {
    interface Signed extends ReceivedLike {
      readonly from: string
    }
    const asked: string[] = []
    const connection = new FakeConnection()
    serveConnection<Signed>(connection as never, {
      portOf: async ({ from }) => {
        asked.push(from)
        if (from === 'nobody') throw new SubauthError('NOT_PERMITTED')
        return GENEROUS
      },
    })
    const data = new TextEncoder().encode('{"cmd":"zones"}')
    for (const from of ['a', 'nobody', 'b']) connection.arrive({ data, from } as Signed)
    connection.arrive(NOP, '{"cmd":"x"}')
    await waitFor(() => connection.sent.length === 5)
    expect(asked).toEqual(['a', 'nobody', 'b'])
    expect(connection.sent[1]).toBe(refusal('NOT_PERMITTED'))
    expect(connection.destroyed).toBe(false)
  })

  const conflict = () => {
    throw new SubauthError('CREDENTIALS_CONFLICT')
  }

  test.each([
    ['at once', conflict],
    ['later', async () => conflict()],
  ])('of a sender who is not admitted end the connection, nop too: %s', async (_, admit) => {
    const { connection, sent, served } = serve(GENEROUS, {
      admit,
      portOf: () => expect.unreachable(),
    })
    connection.arrive(NOP, NOP)
    await served.closed
    expect(sent).toEqual([refusal('CREDENTIALS_CONFLICT')])
    const other = serve(GENEROUS, { admit, portOf: () => expect.unreachable() })
    other.connection.arrive(createAccount('a'))
    await other.served.closed
    expect(other.sent).toEqual([refusal('CREDENTIALS_CONFLICT')])
  })

  test('of one who is not admitted end the connection, whatever the reason', async () => {
    const admit = () => {
      throw new SubauthError('BUSY')
    }
    const { connection, sent, served } = serve(GENEROUS, { admit })
    connection.arrive(NOP, NOP)
    await served.closed
    expect(sent).toEqual([refusal('BUSY')])
  })

  test('of one who is admitted later wait for that', async () => {
    const admit = () => new Promise<void>((resolve) => setImmediate(resolve))
    const { connection, sent } = serve(GENEROUS, { admit })
    connection.arrive(NOP, createAccount('a'))
    await waitFor(() => sent.length === 2)
    expect(sent).toEqual([OK, OK])
  })
})

describe('the end', () => {
  test('of the peer', async () => {
    const { connection, served } = serve(GENEROUS)
    connection.emit('end')
    await served.closed
    expect(connection.destroyed).toBe(true)
  })

  test('by an empty packet, which is answered nothing', async () => {
    const { connection, sent, served } = serve(GENEROUS)
    connection.arrive(NOP, '', NOP)
    await served.closed
    expect(sent).toEqual([OK])
  })

  test.each([
    ['{nope', 'MALFORMED'],
    ['[]', 'MALFORMED'],
    [' '.repeat(16_385), 'TOO_LONG'],
  ] as const)('behind the error for %j', async (packet, reason) => {
    const { connection, sent, served } = serve(GENEROUS)
    connection.arrive(packet.slice(0, 20_000), createAccount('never'))
    await served.closed
    expect(sent).toEqual([refusal(reason)])
  })

  test('behind the error for a packet that was cut, of which nothing is parsed', async () => {
    const { calls, port } = held()
    const { connection, sent, served } = serve(port)
    const data = new TextEncoder().encode(createAccount('half'))
    connection.arrive({ data, truncated: true }, { data: new Uint8Array(0), truncated: true })
    await served.closed
    expect([sent, calls]).toEqual([[refusal('TOO_LONG')], []])
  })

  test('not for what is an object: a key given twice, an unknown command, a wrong field', async () => {
    const { connection, sent } = serve(GENEROUS)
    connection.arrive('{"a":1,"a":2}', '{"cmd":"x"}', '{"cmd":"login"}', NOP)
    await waitFor(() => sent.length === 4)
    expect(sent.at(-1)).toBe(OK)
    expect(connection.destroyed).toBe(false)
  })

  test('of a connection that broke while a request is in progress: it is finished, and not answered', async () => {
    const { calls, port } = held()
    const { connection, sent, served } = serve(port)
    connection.arrive(createAccount('a'))
    await waitFor(() => calls.length === 1)
    connection.destroy(new Error('EPIPE'))
    await served.closed
    calls[0]?.settle()
    await turn()
    expect(sent).toEqual([])
  })

  test('of the server: what is in progress is answered first, and nothing else is read', async () => {
    const { calls, port } = held()
    const { connection, sent, served } = serve(port)
    connection.arrive(createAccount('a'), createAccount('b'))
    await waitFor(() => calls.length === 1)
    served.finish()
    expect(connection.destroyed).toBe(false)
    calls[0]?.settle()
    await served.closed
    expect([sent, calls.length]).toEqual([[OK], 1])
    served.finish()
    const idle = serve(port)
    idle.served.finish()
    await idle.served.closed
  })

  test('of a transport that goes on reading while it is paused', async () => {
    const { calls, port } = held()
    const { connection, served } = serve(port)
    connection.arrive(createAccount('a'))
    await waitFor(() => calls.length === 1)
    connection.emit('packet', { data: new TextEncoder().encode(NOP) })
    await served.closed
    expect(connection.sent).toEqual([])
  })
})

describe('a peer that does not read', () => {
  test('is held up by itself', async () => {
    const { connection, sent, served } = serve(GENEROUS)
    connection.reads = false
    connection.arrive(NOP, NOP, NOP)
    await waitFor(() => sent.length === 1)
    await turn()
    expect([sent.length, connection.waiting.length, served.busy]).toEqual([1, 2, true])
    connection.take()
    await waitFor(() => sent.length === 3)
    expect(connection.listenerCount('drain')).toBe(1)
  })

  test('is cut off in time, where there is one', async () => {
    const { connection, sent, served } = serve(GENEROUS, { idleTimeoutMs: 30 })
    connection.reads = false
    connection.arrive(NOP, NOP)
    await served.closed
    expect(sent).toEqual([OK])
  })

  test('gets what was sent before the end, when the server ends', async () => {
    const { connection, sent, served } = serve(GENEROUS)
    connection.reads = false
    connection.arrive(NOP, NOP)
    await waitFor(() => sent.length === 1)
    served.finish()
    await turn()
    expect(connection.destroyed).toBe(false)
    connection.take()
    await served.closed
    expect(sent).toEqual([OK])
  })
})

describe('time', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('an idle connection ends, one that is served does not', async () => {
    vi.useFakeTimers()
    const { calls, port } = held()
    const { connection, sent, served } = serve(port, { idleTimeoutMs: 40 })
    await vi.advanceTimersByTimeAsync(39)
    connection.arrive(createAccount('a'))
    await vi.advanceTimersByTimeAsync(100)
    calls[0]?.settle()
    await vi.advanceTimersByTimeAsync(39)
    connection.arrive(NOP)
    await vi.advanceTimersByTimeAsync(39)
    expect([sent, connection.destroyed]).toEqual([[OK, OK], false])
    await vi.advanceTimersByTimeAsync(1)
    await served.closed
    expect(vi.getTimerCount()).toBe(0)
  })

  test('what is denied takes as long, whatever it was; what is done or is wrong does not', async () => {
    vi.useFakeTimers()
    const denied = ['NOT_PERMITTED', 'AUTH_FAILED', 'LOGIN_FAILED', 'LOCKED_OUT'] as const
    const port = portOf(async (_, zone) => {
      const at = (denied as readonly unknown[]).indexOf(zone)
      // Each takes its own time to be found out.
      if (at >= 0) await new Promise((resolve) => setTimeout(resolve, 30 * at))
      if (zone === 'ZONE_REFUSED') throw new SubauthError('ZONE_REFUSED')
      const reason = denied[at]
      if (reason !== undefined) throw new SubauthError(reason)
    })
    const took = new Map<string, number>()
    const onAnswer = ({ reason }: SubauthAnswer, ms: number) => {
      took.set(reason ?? 'OK', ms)
    }
    for (const zone of [...denied, 'ZONE_REFUSED', 'OK']) {
      const { connection } = serve(port, { failureDelayMs: 150, onAnswer })
      connection.arrive(JSON.stringify({ cmd: 'delete-acct', login: 'a', zone }))
    }
    await vi.advanceTimersByTimeAsync(149)
    expect([...took]).toEqual(
      expect.arrayContaining([
        ['ZONE_REFUSED', 0],
        ['OK', 0],
      ]),
    )
    expect(took.size).toBe(2)
    await vi.advanceTimersByTimeAsync(1)
    for (const reason of denied) expect([reason, took.get(reason)]).toEqual([reason, 150])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is not cut short by a timer that is early', async () => {
    vi.useFakeTimers()
    let nowMs = 1000
    const options = { failureDelayMs: 150, now: () => nowMs }
    const { connection, sent } = serve(
      portOf(() => false),
      options,
    )
    connection.arrive('{"cmd":"login","zone":"m","passwd":"x"}')
    nowMs += 149.5
    await vi.advanceTimersByTimeAsync(150)
    expect(sent).toEqual([])
    nowMs += 0.5
    await vi.advanceTimersByTimeAsync(1)
    expect(sent).toEqual([refusal('LOGIN_FAILED')])
  })

  test('what takes longer by itself is held back no more', async () => {
    vi.useFakeTimers()
    const port = portOf(async () => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      return false
    })
    const { connection, sent } = serve(port, { failureDelayMs: 150 })
    connection.arrive('{"cmd":"login","zone":"m","passwd":"x"}')
    await vi.advanceTimersByTimeAsync(200)
    expect(sent).toEqual([refusal('LOGIN_FAILED')])
  })

  test('a connection that breaks while a reply is held back leaves no timer', async () => {
    vi.useFakeTimers()
    const port = portOf(() => false)
    const { connection, sent, served } = serve(port, { failureDelayMs: 60_000, idleTimeoutMs: 5 })
    connection.arrive('{"cmd":"login","zone":"m","passwd":"x"}')
    await vi.advanceTimersByTimeAsync(100)
    expect(vi.getTimerCount()).toBe(1)
    connection.destroy()
    await served.closed
    await vi.advanceTimersByTimeAsync(0)
    expect([vi.getTimerCount(), sent]).toEqual([0, []])
  })
})

describe('faults', () => {
  test('of the port are told as internal, and to whoever looks', async () => {
    const fault = new Error('disk')
    const seen: unknown[] = []
    const port = portOf(() => {
      throw fault
    })
    const { connection, sent } = serve(port, { onAnswer: (answer) => seen.push(answer.fault) })
    connection.arrive(createAccount('a'), NOP)
    await waitFor(() => sent.length === 2)
    expect(sent).toEqual([refusal('INTERNAL'), OK])
    expect(seen).toEqual([fault, undefined])
  })

  test('of whoever looks end the connection', async () => {
    const onAnswer = () => {
      throw new Error('observer')
    }
    const { connection, sent, served } = serve(GENEROUS, { onAnswer })
    connection.arrive(NOP)
    await served.closed
    expect(sent).toEqual([])
  })

  test.each([
    [{ failureDelayMs: '1' }, TypeError],
    [{ failureDelayMs: -1 }, RangeError],
    [{ failureDelayMs: Number.NaN }, RangeError],
    [{ idleTimeoutMs: 2 ** 31 }, RangeError],
    [{ idleTimeoutMs: null }, TypeError],
    [{ maxRequestBytes: 0 }, RangeError],
    [{ maxReplyBytes: 1 }, RangeError],
  ])('wrong options: %j', (options, type) => {
    const connection = new FakeConnection()
    const run = () =>
      serveConnection(connection, { portOf: () => GENEROUS, ...(options as object) })
    expect(run).toThrow(type)
    expect(run).toThrow(Object.keys(options)[0])
    expect(connection.listenerCount('packet')).toBe(0)
  })
})
