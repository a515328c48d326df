/** Weakness 54 of SecReg-Linux: values of which there are few are guessed from their hashes in the log. */
import { createHash } from 'node:crypto'
import { KafkaStandIn, waitFor } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { filesOf } from '../lib/audit-log.ts'
import { SyslogReceiver } from '../lib/audit-receivers.ts'
import { Site } from '../lib/site.ts'

vi.setConfig({ testTimeout: 120_000 })

const PINS = Array.from({ length: 10_000 }, (_, pin) => String(pin).padStart(4, '0'))
const ALGORITHMS = ['md5', 'sha1', 'sha256', 'sha512'] as const

/** Every hash of every PIN that needs no key, in the ways in which it can be written. */
function unkeyedHashes(): { texts: Set<string>; bytes: Set<string> } {
  const texts = new Set<string>()
  const bytes = new Set<string>()
  for (const pin of PINS) {
    for (const algorithm of ALGORITHMS) {
      const hash = createHash(algorithm).update(pin).digest()
      bytes.add(hash.toString('hex'))
      texts.add(hash.toString('hex'))
      texts.add(hash.toString('base64').replace(/=+$/, ''))
      texts.add(hash.toString('base64url'))
    }
  }
  return { texts, bytes }
}

/** Runs of digits that may be a hash. */
const candidates = (text: string): string[] => [
  ...(text.match(/[0-9a-f]{32,128}/gi) ?? []).map((run) => run.toLowerCase()),
  ...(text.match(/[A-Za-z0-9+/]{22,86}/g) ?? []),
  ...(text.match(/[A-Za-z0-9_-]{22,86}/g) ?? []),
]

test('weakness 54: of 10,000 PINs no hash without a key is in the log, the sinks or the figures; the keyed ones are where they are asked for', async () => {
  await using receiver = await SyslogReceiver.start()
  await using broker = await KafkaStandIn.start()
  await using site = new Site()
  site.configure({
    audit: `segment_size = 262144\nvalue_hash_prefixes = ["/pin/hashed"]\nsyslog = "${receiver.target}"`,
    config: `[kafka]\nbrokers = ["${broker.address}"]\ntls = false`,
  })
  const daemon = await site.start()
  using admin = await site.initialize()
  for (let at = 0; at < PINS.length; at += 500) {
    const then = PINS.slice(at, at + 500).map((value) => {
      const below = Number(value) % 10 === 0 ? 'hashed' : 'plain'
      return { op: 'set', key: `/pin/${below}/${at}-${value.length}-${Number(value) - at}`, value }
    })
    await admin.ok('txn', { then })
  }
  await admin.ok('set', { key: '/pin/hashed/again', value: '0000', encrypt: true })
  await waitFor(
    async () => {
      const { sinks, log_sequence } = await admin.ok('status', {})
      return sinks.every(({ sequence }: { sequence: number }) => sequence === log_sequence)
    },
    { timeoutMs: 40_000 },
  )
  const { metrics } = await admin.ok('maintain', { op: 'metrics' })
  const hashes = site
    .records()
    .flatMap(({ body }) => Object.entries((body as { value_hashes?: object }).value_hashes ?? {}))
  expect(hashes).toHaveLength(PINS.length / 10 + 1)
  expect(new Set(hashes.map(([, hash]) => hash)).size).toBe(PINS.length / 10)
  for (const [path] of hashes) expect(path).toMatch(/^\/pin\/hashed\//)
  await daemon.kill('SIGTERM')
  const { texts, bytes } = unkeyedHashes()
  const places = new Map<string, string>([
    ['the figures', metrics],
    ["the daemon's log", daemon.stderr()],
    ['syslog', receiver.messages.join('\n')],
    ...broker.topics.map((topic) => [topic, JSON.stringify(broker.records(topic))] as const),
    ...[...filesOf(site.audit)].map(([name, file]) => [name, file.toString('latin1')] as const),
  ])
  expect(places.size).toBeGreaterThan(8)
  // The search itself works.
  for (const form of ['hex', 'base64', 'base64url'] as const) {
    const planted = `{"hash":"sha256:${createHash('sha256').update('1234').digest(form)}"}`
    expect(
      candidates(planted).some((run) => texts.has(run)),
      form,
    ).toBe(true)
  }
  for (const [place, text] of places) {
    for (const run of candidates(text)) {
      expect(texts.has(run), `a hash without a key in ${place}`).toBe(false)
    }
  }
  for (const [name, file] of filesOf(site.audit)) {
    if (!name.endsWith('.hashes')) continue
    for (let at = 0; at + 32 <= file.length; at++) {
      expect(bytes.has(file.toString('hex', at, at + 32)), name).toBe(false)
    }
  }
})
