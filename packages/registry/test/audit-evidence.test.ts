/** What the registry signs, proves, keeps and removes of its audit log. */
import { nodeFiles, verifyDirectory } from '@secreg/audit'
import { createMemoryFiles, withFaults } from '@secreg/audit/testing'
import {
  hashLeaf,
  parseCheckpoint,
  parseNote,
  parseProof,
  parseVkey,
  verifyConsistency,
  verifyInclusion,
  verifyNote,
} from '@secreg/audit/verify'
import type { AuditKeyInfo, EvidenceResponse, RequestOf } from '@secreg/protocol'
import { FaultEngine } from '@secreg/storage/testing'
import { createTempHome, waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import {
  addUser,
  type Home,
  linesOf,
  open,
  outcomeOf,
  PASSPHRASE,
  PEER,
  reason,
  restart,
  start,
} from './fixture.ts'

/** The vkey in force. */
async function keyOf({ api }: Pick<Home, 'api'>): Promise<string> {
  const { keys = [] } = await api.evidence({ op: 'keys' })
  return keys.find(({ current }) => current)?.key ?? ''
}

function signedSize(note: string, vkey: string): number | undefined {
  const parsed = parseNote(note)
  const key = parseVkey(vkey)
  if (parsed === undefined || key === undefined) return undefined
  return verifyNote(parsed, [key])?.length === 1 ? parseCheckpoint(parsed.text)?.size : undefined
}

/** Verify as somebody would who has the files and one public key. */
function verifyFiles(home: Home, keys: readonly string[], outside: readonly string[] = []) {
  return verifyDirectory('/log', { files: home.files, keys, outside })
}

function engineOf({ engine }: Home): FaultEngine {
  if (engine instanceof FaultEngine) return engine
  throw new Error('no engine in memory')
}

async function settle({ registry }: Home): Promise<void> {
  await registry.housekeep()
}

describe('checkpoints', () => {
  test('are made when it is unsealed, at the interval, when a segment ends, and at the end', async () => {
    let nowMs = 0
    const home = await start({
      monotonicMs: () => nowMs,
      auditKeeping: () => ({ checkpointIntervalMs: 60_000 }),
      segmentBytes: 20_000,
    })
    const sizes = async (): Promise<number | undefined> => {
      await settle(home)
      return home.registry.status(home.admin).last_checkpoint?.sequence
    }
    const first = await sizes()
    expect(first).toBeGreaterThan(0)
    await home.api.set({ key: '/a', value: 'x' })
    nowMs += 59_000
    expect(await sizes(), 'before its time').toBe(first)
    nowMs += 1000
    const second = (await sizes()) ?? 0
    expect(second).toBeGreaterThan(first ?? 0)
    nowMs += 60_000
    expect(await sizes(), 'nothing new').toBe(second)
    while (!home.files.list('/log').includes('00000002.jsonl')) await home.api.get({ key: '/a' })
    expect(await sizes(), 'a segment has ended').toBeGreaterThan(second)
    await home.api.get({ key: '/a' })
    const key = await keyOf(home)
    await home.registry.close()
    const { ok, size, proven } = await verifyFiles(home, [key])
    expect({ ok, proven }).toEqual({ ok: true, proven: size })
  })

  test('prove every record, and that the log continues what was signed', async () => {
    const home = await start()
    const { checkpoint: old = '' } = await home.api.evidence({ op: 'checkpoint' })
    for (let i = 0; i < 20; i++) await home.api.set({ key: `/e/${i}`, value: 'x' })
    const key = await keyOf(home)
    for (const { seq } of linesOf(home.files)) {
      const answer = await home.api.evidence({ op: 'prove', sequence: seq })
      const proof = parseProof(answer.proof ?? '')
      if (proof?.kind !== 'inclusion') throw new Error('no proof')
      expect(signedSize(proof.checkpoint, key)).toBeGreaterThanOrEqual(seq)
      const { size, root } = parseCheckpoint(parseNote(proof.checkpoint)?.text ?? '') ?? fail()
      const leaf = hashLeaf(Buffer.from(answer.line ?? ''))
      expect(JSON.parse(answer.line ?? '')).toMatchObject({ seq })
      expect(verifyInclusion(leaf, seq - 1, size, proof.hashes, root)).toBe(true)
    }
    const { proof: text = '' } = await home.api.evidence({ op: 'consistency', checkpoint: old })
    const proof = parseProof(text)
    if (proof?.kind !== 'consistency') throw new Error('no proof')
    const before = parseCheckpoint(parseNote(old)?.text ?? '') ?? fail()
    const after = parseCheckpoint(parseNote(proof.checkpoint)?.text ?? '') ?? fail()
    expect(verifyConsistency(before.size, before.root, after.size, after.root, proof.hashes)).toBe(
      true,
    )
    await home.registry.close()
  })

  test.each<[string, RequestOf<'evidence'>, string]>([
    ['a record that is yet to come', { op: 'prove', sequence: 10_000 }, 'INVALID_ARGUMENT'],
    ['no checkpoint', { op: 'consistency', checkpoint: 'x' }, 'INVALID_ARGUMENT'],
    ['an unknown verification', { op: 'verify', job: 7 }, 'NOT_FOUND'],
  ])('%s is refused', async (_, request, why) => {
    const home = await start()
    await expect(home.api.evidence(request)).rejects.toEqual(reason(why))
    await home.registry.close()
  })

  test('of another log, or of a key that is not ours, are refused', async () => {
    const home = await start()
    const other = await start()
    const { checkpoint = '' } = await other.api.evidence({ op: 'checkpoint' })
    await expect(home.api.evidence({ op: 'consistency', checkpoint })).rejects.toEqual(
      reason('INVALID_ARGUMENT'),
    )
    for (const each of [home, other]) await each.registry.close()
  })

  test('need audit-read, and rotate for the key; each request leaves one record', async () => {
    const home = await start()
    const { api } = await addUser(home, 'olga', ['operator'])
    const before = linesOf(home.files).length
    const requests: RequestOf<'evidence'>[] = [
      { op: 'checkpoint' },
      { op: 'prove', sequence: 1 },
      { op: 'consistency', checkpoint: '' },
      { op: 'verify' },
      { op: 'keys' },
      { op: 'rotate-key' },
    ]
    for (const request of requests) {
      await expect(api.evidence(request)).rejects.toEqual(reason('ACCESS_DENIED'))
    }
    const records = linesOf(home.files).slice(before)
    expect(records.map(({ body }) => [body.action, body.detail, body.outcome, body.code])).toEqual([
      ...requests.slice(0, 5).map(({ op }) => ['audit-proof', op, 'denied', 3]),
      ['rotate', 'audit key', 'denied', 3],
    ])
    await home.registry.close()
  })

  test('are not made while it is sealed; the log is still verified as far as it can be', async () => {
    const home = await start()
    const key = await keyOf(home)
    await home.registry.lock(home.admin)
    const api = home.registry.as(home.admin)
    const requests: RequestOf<'evidence'>[] = [
      { op: 'checkpoint' },
      { op: 'prove', sequence: 1 },
      { op: 'rotate-key' },
      { op: 'verify', checkpoints: ['x'] },
    ]
    for (const request of requests) {
      await expect(api.evidence(request)).rejects.toEqual(reason('SEALED'))
    }
    const { verification } = await api.evidence({ op: 'verify' })
    expect(verification).toMatchObject({ done: true, ok: true })
    const lines = linesOf(home.files).length
    await settle(home)
    await home.registry.unlock(PEER, PASSPHRASE)
    await settle(home)
    // What was written meanwhile is signed at once.
    const status = home.registry.status(home.admin)
    expect(status.last_checkpoint?.sequence).toBeGreaterThan(lines)
    await home.registry.close()
    expect((await verifyFiles(home, [key])).ok).toBe(true)
  })
})

describe('the signing key', () => {
  test('is handed over: who knows any one of them can verify everything', async () => {
    const home = await start({ engine: new FaultEngine() })
    const keys: AuditKeyInfo[] = []
    for (let i = 0; i < 3; i++) {
      await home.api.set({ key: '/a', value: `${i}` })
      keys.splice(0, keys.length, ...((await home.api.evidence({ op: 'rotate-key' })).keys ?? []))
    }
    expect(keys.map(({ current }) => current)).toEqual([false, false, false, true])
    expect(new Set(keys.map(({ key }) => key)).size).toBe(4)
    await home.registry.close()
    for (const { key } of keys) {
      expect(await verifyFiles(home, [key])).toMatchObject({ ok: true, trusted: true })
    }
    const again = await restart({ engine: engineOf(home).restart(), files: home.files })
    expect(await keyOf(again)).toBe(keys.at(-1)?.key)
    const records = linesOf(again.files).filter(({ body }) => body.detail?.includes('audit key +'))
    expect(records).toHaveLength(0)
    await again.registry.close()
  })

  test('comes into force at the next start when the hand-over was cut off', async () => {
    const memory = createMemoryFiles()
    const files = withFaults(memory)
    const home = await start({
      files: Object.assign(files, { readFile: memory.readFile }) as never,
    })
    const before = await keyOf({ api: home.api })
    files.fail({
      operation: 'write',
      path: 'checkpoints',
      code: 'EIO',
      times: Number.POSITIVE_INFINITY,
    })
    await expect(home.api.evidence({ op: 'rotate-key' })).rejects.toThrow()
    files.clear()
    // The next one that is asked for its key brings it to its end.
    const { keys = [] } = await home.api.evidence({ op: 'rotate-key' })
    expect(keys[0]?.key).toBe(before)
    await home.registry.close()
    expect(await verifyDirectory('/log', { files: memory, keys: [before] })).toMatchObject({
      ok: true,
    })
  })

  test('of two who ask for a new one at once, each gets his own', async () => {
    const home = await start()
    await Promise.all([1, 2, 3].map(() => home.api.evidence({ op: 'rotate-key' })))
    const { keys = [] } = await home.api.evidence({ op: 'keys' })
    expect(new Set(keys.map(({ key }) => key)).size).toBe(4)
    await home.registry.close()
    expect((await verifyFiles(home, [keys[0]?.key ?? ''])).ok).toBe(true)
  })
})

describe('old segments', () => {
  const DAY = 86_400_000
  const isOpen = (name: string): boolean => name.endsWith('.jsonl')

  async function grown(removableUpTo?: () => number) {
    let nowMs = Date.UTC(2026, 0, 1)
    let monotonicMs = 0
    const home = await start({
      engine: new FaultEngine(),
      now: () => nowMs,
      monotonicMs: () => monotonicMs,
      segmentBytes: 8000,
      auditKeeping: () => ({
        checkpointIntervalMs: 1000,
        retentionMs: 30 * DAY,
        ...(removableUpTo === undefined ? {} : { removableUpTo }),
      }),
    })
    const later = async (days: number): Promise<void> => {
      for (let day = 0; day < days; day++) {
        nowMs += DAY
        monotonicMs += DAY
        for (let i = 0; i < 12; i++) await home.api.set({ key: `/d/${i}`, value: `${day}` })
        await settle(home)
        // Closed segments are compressed meanwhile; only then may they go.
        await waitFor(() => home.files.list('/log').filter(isOpen).length === 1)
        await home.registry.housekeep()
      }
    }
    return { home, later }
  }

  test('go whole, under a signature and with a record; what is left verifies, also after a restart', async () => {
    const { home, later } = await grown()
    const { checkpoint: old = '' } = await home.api.evidence({ op: 'checkpoint' })
    await later(45)
    const names = home.files.list('/log')
    expect(names).toContain('00000001.hashes')
    expect(names).not.toContain('00000001.jsonl.gz')
    const { records } = await home.api.audit({ action: 'retention' })
    expect(records.length).toBeGreaterThan(0)
    expect(records[0]).toMatchObject({ actor: { user: 'secregd', address: 'retention' } })
    const key = await keyOf(home)
    // What was signed before the removal is still proven to be continued.
    expect(await home.api.evidence({ op: 'consistency', checkpoint: old })).toHaveProperty('proof')
    const proven = await home.api.evidence({ op: 'prove', sequence: 1 })
    expect(proven.line, 'removed').toBeUndefined()
    expect(proven.proof).toBeDefined()
    await home.registry.close()
    expect(await verifyFiles(home, [key], [old])).toMatchObject({ ok: true })
    const again = await restart({ engine: engineOf(home).restart(), files: home.files })
    const { verification } = await again.api.evidence({ op: 'verify', checkpoints: [old] })
    expect(verification).toMatchObject({ done: true, ok: true })
    expect(await again.api.security({ op: 'audit' })).toMatchObject({ ok: true })
    await again.registry.close()
  })

  test('stay while somebody has still to read them', async () => {
    let done = 0
    const { home, later } = await grown(() => done)
    await later(40)
    expect(home.files.list('/log')).not.toContain('00000001.hashes.part')
    expect((await home.api.audit({ action: 'retention' })).records).toEqual([])
    done = 3
    await later(1)
    const hasLines = (segment: number): boolean =>
      home.files.list('/log').includes(`0000000${segment}.jsonl.gz`)
    expect([1, 2, 3, 4].map(hasLines)).toEqual([false, false, false, true])
    await home.registry.close()
  })

  test('removed by anybody else are missed', async () => {
    const { home, later } = await grown()
    await later(9)
    await waitFor(() => !home.files.list('/log').includes('00000001.jsonl'))
    const key = await keyOf(home)
    await home.registry.close()
    home.files.removeFile('/log/00000001.jsonl.gz')
    home.files.removeFile('/log/00000001.index')
    expect(await verifyFiles(home, [key])).toMatchObject({
      ok: false,
      firstFault: { kind: 'retention', sequence: 1 },
    })
  })
})

describe('a log that somebody has changed', () => {
  /** Change two bytes of a body where they stand, so that the line keeps its form. */
  function bend({ files }: Home, seq: number): void {
    const path = '/log/00000001.jsonl'
    const bytes = files.readFile(path)
    const start = bytes.indexOf(`{"seq":${seq},`)
    const at = bytes.indexOf('"outcome":"ok"', start) + '"outcome":"'.length
    expect(bytes.toString('utf8', at, at + 2)).toBe('ok')
    const file = files.open(path, 'write')
    file.write(Buffer.from('OK'), 0, 2, at)
    file.close()
  }

  test('while it runs: verification names the record, and nothing is signed or proven', async () => {
    const home = await start()
    for (let i = 0; i < 30; i++) await home.api.set({ key: `/e/${i}`, value: 'x' })
    bend(home, 20)
    const { verification } = await home.api.evidence({ op: 'verify' })
    expect(verification).toMatchObject({ ok: false, fault: { kind: 'edited', sequence: 20 } })
    expect(await home.api.security({ op: 'audit' })).toMatchObject({
      ok: false,
      findings: [{ level: 'fault', message: expect.stringContaining('record 20') }],
    })
    for (const request of [{ op: 'checkpoint' }, { op: 'prove', sequence: 3 }] as const) {
      await expect(home.api.evidence(request)).rejects.toEqual(reason('AUDIT_TAMPERED'))
    }
    await home.registry.close()
  })

  test('put back as a whole is found only with a checkpoint that was kept elsewhere', async () => {
    const home = await start({ engine: new FaultEngine() })
    await home.api.set({ key: '/a', value: '1' })
    await home.registry.close()
    const copy = home.files
      .list('/log')
      .map((name) => [name, home.files.readFile(`/log/${name}`)] as const)
    const again = await restart({ engine: engineOf(home).restart(), files: home.files })
    await again.api.set({ key: '/a', value: '2' })
    const { checkpoint = '' } = await again.api.evidence({ op: 'checkpoint' })
    const key = await keyOf(again)
    await again.registry.close()
    // Log, checkpoints and all: in itself it is whole.
    for (const [name, bytes] of copy) home.files.writeFile(`/log/${name}`, bytes)
    expect(await verifyFiles(home, [key])).toMatchObject({ ok: true })
    expect(await verifyFiles(home, [key], [checkpoint])).toMatchObject({
      ok: false,
      firstFault: { kind: 'truncated' },
    })
    // The store knows too, as long as it is not put back with it.
    await expect(open({ engine: engineOf(again).restart(), files: home.files })).rejects.toThrow()
  })
})

test('the real file system: a whole life with compressed segments', async () => {
  await using temp = await createTempHome()
  const directory = temp.file('audit')
  const home = await start({
    files: nodeFiles as never,
    logDirectory: directory,
    segmentBytes: 20_000,
  })
  for (let i = 0; i < 300; i++) await home.api.set({ key: `/e/${i}`, value: 'x' })
  const key = await keyOf(home)
  await home.registry.housekeep()
  expect(await outcomeOf(() => home.api.evidence({ op: 'verify' }))).toMatchObject({
    answer: { verification: { ok: true } } satisfies {
      verification: Partial<EvidenceResponse['verification']>
    },
  })
  await home.registry.close()
  expect(await verifyDirectory(directory, { keys: [key] })).toMatchObject({
    ok: true,
    trusted: true,
  })
})

function fail(): never {
  throw new Error('not as expected')
}
