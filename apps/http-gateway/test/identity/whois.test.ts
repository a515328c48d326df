import type { Socket } from 'node:net'
import { waitFor } from '@secreg/testkit'
import { describe, expect, it } from 'vitest'
import { Whois } from '../../src/identity/whois.ts'
import { rejectionOf } from './facts.ts'
import { type Answering, httpAnswer, says, startTailscaled } from './tailscaled-stand-in.ts'

const ALICE = { Node: { Name: 'a.ts.net.' }, UserProfile: { LoginName: 'alice@example.com' } }
const PEER = '100.64.1.2'
const raw =
  (text: string): Answering =>
  (_, socket) =>
    void socket.end(text, 'latin1')

describe('a question', () => {
  it('is what the local API takes', async () => {
    await using tailscaled = await startTailscaled(says(ALICE))
    const whois = new Whois(tailscaled.socket)
    expect(await whois.of(PEER, 40_000)).toEqual(['tailnet:alice@example.com'])
    await whois.of('fd7a:115c:a1e0::1', 40_001)
    const [first = '', second = ''] = tailscaled.asked
    expect(first).toMatch(
      /^GET \/localapi\/v0\/whois\?proto=tcp&addr=100\.64\.1\.2%3A40000 HTTP\/1\.1\r\n/,
    )
    expect(first).toMatch(/\r\nHost: local-tailscaled\.sock\r\n/)
    expect(first).not.toMatch(/\r\n(origin|referer):/i)
    expect(second).toContain('addr=%5Bfd7a%3A115c%3Aa1e0%3A%3A1%5D%3A40001 ')
  })

  it('is asked once for all who ask at the same time, and its answer counts for a while', async () => {
    let nowMs = 0
    await using tailscaled = await startTailscaled(says(ALICE))
    const whois = new Whois(tailscaled.socket, { keepMs: 5000, nowMs: () => nowMs })
    await Promise.all(Array.from({ length: 20 }, () => whois.of(PEER, 1)))
    nowMs = 4999
    await whois.of(PEER, 1)
    expect(tailscaled.asked).toHaveLength(1)
    await whois.of(PEER, 2)
    expect(tailscaled.asked).toHaveLength(2)
    nowMs = 5000
    tailscaled.answering = says({ Node: { Tags: ['tag:web'] } })
    expect(await whois.of(PEER, 1)).toEqual(['tailnet:tag:web'])
  })

  it('about a stranger has no answer, which counts as well', async () => {
    await using tailscaled = await startTailscaled(raw(httpAnswer(404, 'no match for IP:port\n')))
    const whois = new Whois(tailscaled.socket)
    expect(await whois.of('192.0.2.1', 1)).toEqual([])
    expect(await whois.of('192.0.2.1', 1)).toEqual([])
    expect(tailscaled.asked).toHaveLength(1)
  })

  it('is not asked about this machine, whose processes are not its owner; of loopback it is', async () => {
    await using tailscaled = await startTailscaled(says(ALICE))
    const whois = new Whois(tailscaled.socket, { isOwnAddress: (address) => address === PEER })
    expect(await whois.of(PEER, 1)).toEqual([])
    expect(tailscaled.asked).toEqual([])
    expect(await whois.of('127.0.0.1', 1)).toEqual(['tailnet:alice@example.com'])
  })
})

describe('an answer that is none refuses the caller, and does not count', () => {
  it.each<[string, Answering]>([
    ['refused', raw(httpAnswer(403, 'whois access denied'))],
    ['failed', raw(httpAnswer(500, '{}'))],
    ['moved', raw('HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n')],
    ['empty', raw(httpAnswer(200, ''))],
    ['without a node', says({ UserProfile: { LoginName: 'alice@example.com' } })],
    ['cut off', raw(httpAnswer(200, JSON.stringify(ALICE)).slice(0, -5))],
    [
      'cut off in chunks',
      raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"Nod\r\n'),
    ],
    ['no HTTP', raw('whois?\r\n\r\n')],
    ['nothing', (_, socket) => void socket.destroy()],
    ['another protocol', raw('HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n')],
    ['hints without end', raw(`${'HTTP/1.1 103 Early\r\n\r\n'.repeat(50)}`)],
    ['no UTF-8', raw('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xff')],
    ['headers without end', raw(`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(20_000)}`)],
    ['too long', raw(httpAnswer(200, JSON.stringify({ ...ALICE, CapMap: 'x'.repeat(2000) })))],
  ])('%s', async (_, answering) => {
    await using tailscaled = await startTailscaled(answering)
    const whois = new Whois(tailscaled.socket, { maxAnswerBytes: 1000 })
    await expect(whois.of(PEER, 1)).rejects.toMatchObject({
      name: 'SecregError',
      reason: 'UNREACHABLE',
      retryAfterSeconds: 1,
    })
    tailscaled.answering = says(ALICE)
    expect(await whois.of(PEER, 1)).toEqual(['tailnet:alice@example.com'])
  })

  it('nobody listens', async () => {
    const whois = new Whois('/nonexistent/tailscaled.sock')
    expect(await rejectionOf(whois.of(PEER, 1))).toBe('UNREACHABLE')
  })

  it('silence and dripping end at their time', async () => {
    const drip: Answering = (_, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{')
      const timer = setInterval(() => socket.write(' '), 5)
      // The question may have been given up before it came.
      socket.once('close', () => clearInterval(timer))
    }
    await using tailscaled = await startTailscaled(() => {})
    const whois = new Whois(tailscaled.socket, { timeoutMs: 60 })
    expect(await rejectionOf(whois.of(PEER, 1))).toBe('UNREACHABLE')
    tailscaled.answering = drip
    expect(await rejectionOf(whois.of(PEER, 1))).toBe('UNREACHABLE')
  })

  it('a flood without end is cut off, and not held', async () => {
    let sent = 0
    const pour = (socket: Socket): void => {
      if (socket.destroyed) return
      sent += 65_536
      socket.write(Buffer.alloc(65_536, 0x20), () => setImmediate(pour, socket))
    }
    await using tailscaled = await startTailscaled((_, socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      pour(socket)
    })
    const whois = new Whois(tailscaled.socket, { timeoutMs: 60_000 })
    expect(await rejectionOf(whois.of(PEER, 1))).toBe('UNREACHABLE')
    expect(sent).toBeLessThan(8 * 1024 * 1024)
  })
})

it('questions are bounded; who leaves is not waited for', async () => {
  const open: Socket[] = []
  await using tailscaled = await startTailscaled((_, socket) => void open.push(socket))
  const whois = new Whois(tailscaled.socket, { maxRunning: 1, maxWaiting: 1 })
  const first = whois.of('192.0.2.1', 1)
  await waitFor(() => open.length === 1)
  const leave = new AbortController()
  const second = whois.of('192.0.2.1', 2, leave.signal)
  expect(await rejectionOf(whois.of('192.0.2.1', 3))).toBe('BUSY')
  leave.abort()
  expect(await rejectionOf(second)).toBe('TIMEOUT')
  open[0]?.end(httpAnswer(404, ''))
  expect(await first).toEqual([])
  expect(tailscaled.asked).toHaveLength(1)
})
