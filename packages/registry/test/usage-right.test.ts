/** Who may change what an entry is for, where that decides who may have it. */
import { TEST_ADMIN } from '@secreg/registry/testing'
import { describe, expect, test } from 'vitest'
import { takeBackup } from './backup-reader.ts'
import { reason } from './fixture.ts'
import { at, define, LOOK, MINE, OTHER, site, VOLUMES, WRITE } from './usage-site.ts'

const DENIED = reason('ACCESS_DENIED')

describe('fault: who could write could have what he may not read be for what he may read', () => {
  const rules = [
    { permissions: [...LOOK, ...WRITE], secrets: ['*'] },
    { permissions: ['secret:read-secure'], secrets: ['*'], usage: VOLUMES },
  ]

  test('by metadata of the registry door', async () => {
    const { root, bob } = await site(rules)
    const custom = { type: 'volume', id: '/dev/vg/x' }
    await expect(bob.meta({ op: 'set', key: at(2), custom })).rejects.toEqual(DENIED)
    await expect(bob.meta({ op: 'set', key: at(1), custom: { id: null } })).rejects.toEqual(DENIED)
    await bob.meta({ op: 'set', key: at(2), description: 'not what it is for' })
    await expect(bob.get({ key: at(2), decrypt: true })).rejects.toEqual(DENIED)
    await root.meta({ op: 'set', key: at(2), custom })
    expect(await bob.get({ key: at(2), decrypt: true })).toMatchObject({ value: 'value 2' })
  })

  test('the right to grant is asked about the entry as it was', async () => {
    const principals = ['user:bob']
    const { root, bob } = await site(rules)
    const grants = {
      id: 'own',
      effect: 'allow',
      principals,
      actions: ['grant'],
      resources: ['/libvirt/**'],
      when: { metadata: { owner: 'bob' } },
    }
    await root.policy({ op: 'set', document: { id: 'owners', rules: [grants] } })
    for (const [key, owner] of [
      [at(1), 'alice'],
      [at(2), 'bob'],
    ] as const) {
      await root.meta({ op: 'set', key, custom: { owner }, granted: true })
    }
    const custom = { type: 'tls', id: 'x', owner: 'carol' }
    const change = { op: 'set', custom, granted: true } as const
    await expect(bob.meta({ ...change, key: at(1) })).rejects.toEqual(DENIED)
    await bob.meta({ ...change, key: at(2) })
  })

  test('by a copy over it, which brings its own metadata', async () => {
    const app = { actions: ['read', 'create', 'update', 'write-metadata'], resources: ['/app/**'] }
    const { root, bob } = await site(rules, [app])
    await bob.set({ key: '/app/a', value: 'x' })
    const custom = { type: 'volume', id: '/dev/vg/x' }
    await bob.meta({ op: 'set', key: '/app/a', custom })
    const copy = { op: 'copy', from: '/app/a', to: at(2), force: true } as const
    await expect(bob.transfer(copy)).rejects.toEqual(DENIED)
    expect(await root.get({ key: at(2), decrypt: true })).toMatchObject({ value: 'value 2' })
    await root.transfer(copy)
    expect(await root.meta({ op: 'get', key: at(2) })).toMatchObject({ custom })
  })

  test('by a definition only where he may define both', async () => {
    const { bob } = await site([
      { permissions: WRITE, secrets: ['*'], usage: VOLUMES },
      { permissions: WRITE, secrets: ['*'], usage: { type: 'tls' } },
    ])
    await define(bob, at(1), { type: 'tls', id: 'x' })
    await expect(define(bob, at(1), { type: 'ceph', id: 'x' })).rejects.toEqual(DENIED)
    await expect(define(bob, at(2), { type: 'tls', id: 'y' })).rejects.toEqual(DENIED)
    await define(bob, at(1), MINE)
  })

  test('by a restore, which a dry run says too', async () => {
    const operator = { actions: ['backup'], resources: ['/'] }
    const { root, bob } = await site(rules, [operator])
    await root.meta({ op: 'set', key: at(2), custom: { type: 'volume', id: '/dev/vg/x' } })
    const { file } = await takeBackup(root)
    await root.meta({ op: 'set', key: at(2), custom: OTHER })
    for (const dry of [true, false]) {
      const { restore = '' } = await bob.restore({ op: 'begin' })
      const data = Buffer.from(file).toString('base64')
      await bob.restore({ op: 'stage', restore, data })
      const commit = {
        op: 'commit',
        restore,
        only: at(2),
        proof: { passphrase: TEST_ADMIN.passphrase },
        dry_run: dry,
      } as const
      await expect(bob.restore(commit)).rejects.toEqual(DENIED)
      await bob.restore({ op: 'abort', restore }).catch(() => {})
    }
  })
})
