/** A backup is the registry at one revision, whatever goes on meanwhile, and ends where it must (DESIGN §6). */
import { createMemoryFiles, withFaults } from '@secreg/audit/testing'
import { openBackup } from '@secreg/backup'
import type { RegistryApi } from '@secreg/protocol'
import { loginTestUser, TEST_ADMIN } from '@secreg/registry/testing'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import { createCanary } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { isBackedUp } from '../src/backup/snapshot-rows.ts'
import { BACKUP_IDLE_MS } from '../src/operations/backup.ts'
import { type PlainRow, plainRow, readBackup, takeBackup } from './backup-reader.ts'
import {
  addUser,
  fastScrypt,
  type Home,
  linesOf,
  PASSPHRASE,
  PEER,
  reason,
  restart,
  start,
} from './fixture.ts'

/** Rows of the engine as they are now. */
async function rowsOf({ engine }: Pick<Home, 'engine'>): Promise<PlainRow[]> {
  const rows: PlainRow[] = []
  for await (const row of engine.iterate({})) if (isBackedUp(row.key)) rows.push(plainRow(row))
  return rows
}

async function fill({ api }: Pick<Home, 'api'>, count = 40): Promise<void> {
  for (let i = 0; i < count; i++) {
    const value = i % 10 === 0 ? 'L'.repeat(30_000) : `value ${i}`
    await api.set({ key: `/app/${i}`, value, encrypt: i % 2 === 0 })
    if (i % 3 === 0) await api.set({ key: `/app/${i}`, value: `${value} again` })
  }
  await api.set({ key: '/app/passing', value: 'in memory', ephemeral: true })
}

describe('a backup', () => {
  test('is every durable row at its revision, and nothing that was changed since', async () => {
    const home = await start()
    await fill(home)
    const rows = await rowsOf(home)
    const { head } = home.engine
    let step = 0
    const { file, begun } = await takeBackup(home.api, () =>
      home.api.set({ key: `/app/${step++}`, value: 'changed meanwhile' }),
    )
    const backup = await readBackup(file)
    expect(backup.rows).toEqual(rows)
    expect(backup.rows.some(([key]) => key === 'e/app/passing')).toBe(false)
    expect(backup.header).toMatchObject({ revision: head, id: begun.id })
    expect(begun).toMatchObject({ revision: head, generation: home.engine.generation })
    expect(backup.meta).toMatchObject({
      software: '0.0.0-test',
      entries: 40,
      log: {
        revision: head,
        sequence: expect.any(Number),
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    })
    // It opens with the format's own reader too.
    await using opened = await openBackup([file], PASSPHRASE, { scrypt: fastScrypt })
    expect(opened.header.id).toBe(begun.id)
    opened.rootKey.fill(0)
    await home.registry.close()
  })

  test('leaves one record before its first byte, and is kept in mind over a restart', async () => {
    const medium = new MemoryEngine()
    const home = await start({ engine: new FaultEngine(medium) })
    const before = linesOf(home.files).length
    const { id, revision } = await home.api.backup({ op: 'begin' })
    expect(
      linesOf(home.files)
        .slice(before)
        .map(({ body }) => body),
    ).toEqual([
      expect.objectContaining({
        action: 'backup',
        outcome: 'ok',
        detail: `${id} revision ${revision}`,
      }),
    ])
    expect(home.registry.status(home.admin).last_backup).toBeUndefined()
    const { file, begun } = await takeBackup(home.api)
    const info = {
      id: begun.id,
      revision: begun.revision,
      bytes: file.length,
      where: 'client',
      at: expect.any(Number),
    }
    expect(linesOf(home.files).filter(({ body }) => body.action === 'backup')).toHaveLength(2)
    expect(home.registry.status(home.admin).last_backup).toEqual(info)
    expect(home.registry.status().last_backup).toBeUndefined()
    await home.registry.close()
    const next = await restart({ engine: new FaultEngine(medium), files: home.files })
    expect(next.registry.status(next.admin).last_backup).toEqual(info)
    expect(await next.api.backup({ op: 'status' })).toEqual({ last_backup: info })
    await next.registry.close()
  })

  test('needs the right to it, an unsealed registry, and something that opens it elsewhere', async () => {
    const home = await start()
    const { api } = await addUser(home, 'olaf', ['operator', 'auditor'])
    for (const op of ['begin', 'status'] as const) {
      await expect(api.backup({ op })).rejects.toEqual(reason('ACCESS_DENIED'))
    }
    await home.registry.lock(home.admin)
    await expect(home.api.backup({ op: 'begin' })).rejects.toEqual(reason('SEALED'))
    await home.registry.close()
    const outcomes = linesOf(home.files).flatMap(({ body }) =>
      body.action === 'backup' ? [`${body.outcome} ${body.reason}`] : [],
    )
    expect(outcomes).toEqual(['denied ACCESS_DENIED', 'denied ACCESS_DENIED', 'failed SEALED'])
  })

  test('is refused where only a credential of this host protects the registry', async () => {
    const home = await start({
      protectors: async () => [
        { kind: 'systemd-credential', name: 'secreg.key', bytes: new Uint8Array(32).fill(7) },
      ],
    })
    const { protectors = [] } = await home.api.protector({ op: 'list' })
    const passphrase = protectors.find(({ kind }) => kind === 'passphrase')
    await home.api.protector({ op: 'remove', protector: passphrase?.id ?? '', force: true })
    await expect(home.api.backup({ op: 'begin' })).rejects.toEqual(reason('NO_PORTABLE_PROTECTOR'))
    await home.registry.close()
  })
})

describe('a backup that is being read', () => {
  test('is of its session alone', async () => {
    const home = await start()
    for (let i = 0; i < 20; i++) await home.api.set({ key: `/l/${i}`, value: 'L'.repeat(60_000) })
    const { backup = '' } = await home.api.backup({ op: 'begin' })
    const other = await loginTestUser(home, TEST_ADMIN.admin, TEST_ADMIN.admin_password)
    const api = home.registry.as(other)
    for (const op of ['read', 'abort'] as const) {
      await expect(api.backup({ op, backup })).rejects.toEqual(reason('NOT_FOUND'))
    }
    expect((await home.api.backup({ op: 'read', backup })).data).not.toBe('')
    expect(await home.api.backup({ op: 'abort', backup })).toEqual({})
    await expect(home.api.backup({ op: 'read', backup })).rejects.toEqual(reason('NOT_FOUND'))
    await home.registry.close()
  })

  test('ends when nobody goes on, and when its session ends', async () => {
    let nowMs = Date.now()
    const home = await start({ now: () => nowMs })
    const { backup = '' } = await home.api.backup({ op: 'begin' })
    nowMs += BACKUP_IDLE_MS
    await home.registry.housekeep()
    expect(await home.api.backup({ op: 'read', backup })).toMatchObject({ last: true })
    const { backup: second = '' } = await home.api.backup({ op: 'begin' })
    nowMs += BACKUP_IDLE_MS + 1
    await home.registry.housekeep()
    await expect(home.api.backup({ op: 'read', backup: second })).rejects.toEqual(
      reason('NOT_FOUND'),
    )
    const other = await loginTestUser(home, TEST_ADMIN.admin, TEST_ADMIN.admin_password)
    const api = home.registry.as(other)
    const { backup: third = '' } = await api.backup({ op: 'begin' })
    await home.api.user({ op: 'list' })
    await home.registry.housekeep()
    expect(await api.backup({ op: 'read', backup: third })).toMatchObject({ last: true })
    const { backup: fourth = '' } = await api.backup({ op: 'begin' })
    const password = 'Another-Correct-Horse-9'
    await home.api.password({ old_password: TEST_ADMIN.admin_password, new_password: password })
    await home.registry.housekeep()
    await expect(api.backup({ op: 'read', backup: fourth })).rejects.toEqual(reason('NOT_FOUND'))
    await home.registry.close()
  })

  test('ends at a lock, also one that is waited for', async () => {
    const home = await start()
    await fill(home)
    const { backup = '' } = await home.api.backup({ op: 'begin' })
    const reading = home.api.backup({ op: 'read', backup })
    const [read] = await Promise.allSettled([reading, home.registry.lock(home.admin)])
    if (read.status === 'rejected') expect(read.reason).toEqual(reason('SEALED'))
    await expect(home.api.backup({ op: 'read', backup })).rejects.toEqual(reason('NOT_FOUND'))
    await home.registry.unlock(PEER, PASSPHRASE)
    await expect(home.api.backup({ op: 'read', backup })).rejects.toEqual(reason('NOT_FOUND'))
    // What the registry does with its snapshots ended too: a compaction is not kept waiting.
    await home.registry.housekeep()
    await home.registry.close()
  })

  test('takes one of a few places, and one that stands still makes room', async () => {
    let nowMs = Date.now()
    const home = await start({ now: () => nowMs })
    const begun: string[] = []
    for (let i = 0; i < 4; i++) {
      begun.push((await home.api.backup({ op: 'begin' })).backup ?? '')
      nowMs += 10
    }
    await expect(home.api.backup({ op: 'begin' })).rejects.toEqual(reason('BUSY'))
    nowMs += 5000
    const fifth = await home.api.backup({ op: 'begin' })
    await expect(home.api.backup({ op: 'read', backup: begun[0] ?? '' })).rejects.toEqual(
      reason('NOT_FOUND'),
    )
    expect(await home.api.backup({ op: 'read', backup: fifth.backup ?? '' })).toMatchObject({
      last: true,
    })
    await home.registry.close()
  })

  test('asked for several pieces at once, gives them in order', async () => {
    const home = await start()
    for (let i = 0; i < 30; i++) {
      await home.api.set({ key: `/large/${i}`, value: `${i}`.repeat(60_000 / `${i}`.length) })
    }
    const { backup = '' } = await home.api.backup({ op: 'begin' })
    const answers = await Promise.all(Array.from({ length: 12 }, () => readOrEnd(home.api, backup)))
    const file = Buffer.concat(answers.map((data) => Buffer.from(data, 'base64')))
    expect((await readBackup(file)).rows.filter(([key]) => key.startsWith('w/'))).toHaveLength(30)
    await home.registry.close()
  })
})

async function readOrEnd(api: RegistryApi, backup: string): Promise<string> {
  return (await api.backup({ op: 'read', backup }).catch(() => ({ data: '' }))).data ?? ''
}

test('a record that cannot be written lets nothing out', async () => {
  const memory = createMemoryFiles()
  const files = withFaults(memory)
  const home = await start({ files: Object.assign(files, { readFile: memory.readFile }) as never })
  files.fail({ operation: 'write', code: 'EIO', times: Number.POSITIVE_INFINITY })
  files.fail({ operation: 'create', code: 'EIO', times: Number.POSITIVE_INFINITY })
  for (let i = 0; i < 5; i++) {
    await expect(home.api.backup({ op: 'begin' })).rejects.toEqual(reason('AUDIT_FAILED'))
  }
  await expect(home.registry.backups.scheduled()).rejects.toEqual(reason('AUDIT_FAILED'))
  files.clear()
  // None of them holds a place.
  await takeBackup(home.api)
  await home.registry.close()
})

describe('while the data keys are rotated', () => {
  test('a backup begun at any point opens every value, and goes on where it was', async () => {
    const home = await start()
    const canary = createCanary()
    for (let i = 0; i < 300; i++) {
      await home.api.set({ key: `/app/${i}`, value: `${canary} ${i}`, encrypt: true })
    }
    await home.api.rotate({ op: 'start' })
    const files: Uint8Array[] = []
    for (let i = 0; i < 5; i++) {
      files.push((await takeBackup(home.api)).file)
      await home.api.set({ key: '/step', value: `${i}` })
    }
    await home.registry.housekeep()
    files.push((await takeBackup(home.api)).file)
    for (const file of files) {
      expect(Buffer.from(file).includes(canary)).toBe(false)
      const { header, rows } = await readBackup(file)
      const stored = rows.find(([key]) => key === 's/header')?.[1] as string
      const kept = JSON.parse(Buffer.from(stored, 'base64').toString())
      expect(header.seal.epochs).toEqual(kept.epochs)
    }
    await home.registry.close()
  })
})
