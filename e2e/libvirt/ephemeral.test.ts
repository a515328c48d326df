/** Nothing of an ephemeral secret is on any disk: neither its value, in whatever form, nor what it is for. */
import { mkdirSync, readFileSync } from 'node:fs'
import { cleanEnv, createCanary, findCanary } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { offline, takeBackup } from '../lib/backup.ts'
import { ok as sreg } from '../lib/backups.ts'
import { LibvirtSite, requireKernelWord, runLibvirtSite } from '../lib/libvirt-site.ts'
import { PASSPHRASE } from '../lib/site.ts'

const FIRST = 'eeeeeeee-eeee-4eee-8eee-000000000001'
const SECOND = 'eeeeeeee-eeee-4eee-8eee-000000000002'
const LASTING = 'eeeeeeee-eeee-4eee-8eee-000000000003'

test('files, logs, exports and backups, while the daemon runs and after it was killed', async (context) => {
  requireKernelWord(context)
  const made = new LibvirtSite({ config: '[log]\nlevel = "trace"' })
  const tmp = made.home.file('tmp')
  mkdirSync(tmp, { mode: 0o700 })
  await using running = await runLibvirtSite(made, { env: cleanEnv({ TMPDIR: tmp }) })
  const { admin, daemon, site } = running
  const canaries = {
    value: createCanary('value'),
    'earlier value': createCanary('value'),
    'value of a private one': createCanary('value'),
    'value of one that was kept': createCanary('value'),
    'description of one that was kept': createCanary('description'),
    description: createCanary('description'),
    usage: createCanary('usage'),
    'usage that was asked for': createCanary('usage'),
  }
  const plain = createCanary('kept')
  const registry = await site.connect()
  const usage = { type: 'tls', id: canaries.usage } as const
  const { description } = canaries
  const secret = await registry.define({ uuid: FIRST, description, ephemeral: true, usage })
  await secret.setValue(Buffer.from(canaries['earlier value']))
  await secret.setValue(Buffer.from(canaries.value))
  const hidden = await registry.define({ ephemeral: true, private: true })
  await hidden.setValue(Buffer.from(canaries['value of a private one']))
  const note = canaries['description of one that was kept']
  const kept = await registry.define({ uuid: SECOND, description: note })
  await kept.setValue(Buffer.from(canaries['value of one that was kept']))
  // The search itself works: what is kept is found.
  expect(findCanary(note, site.data).length).toBeGreaterThan(0)
  await registry.define({ uuid: SECOND, description: note, ephemeral: true })
  const lasting = await registry.define({ uuid: LASTING, description: plain })
  await lasting.setValue(Buffer.from('lasting'))
  await registry.getByUsage('tls', canaries.usage)
  await expect(registry.getByUsage('ceph', canaries['usage that was asked for'])).rejects.toThrow(
    /no secret with matching usage/,
  )
  await expect(registry.define({ usage })).rejects.toThrow(FIRST)
  expect(Buffer.from(await secret.getValue()).toString()).toBe(canaries.value)

  const expectNothing = (): void => {
    for (const [what, canary] of Object.entries(canaries)) {
      expect(findCanary(canary, site.home.path), what).toEqual([])
    }
    expect(findCanary(plain, site.data).length).toBeGreaterThan(0)
  }
  expectNothing()
  const { entries } = await admin.ok('export', { prefix: '/', with_secrets: true })
  for (const exported of [
    JSON.stringify(entries),
    await sreg(site, ['export', '--with-secrets']),
    await sreg(site, ['export']),
  ]) {
    for (const nothing of [FIRST, SECOND, hidden.uuid, ...Object.values(canaries)]) {
      expect(exported).not.toContain(nothing)
    }
  }
  expect(JSON.stringify(entries)).toContain(LASTING)
  const file = site.home.file('backup')
  await takeBackup(admin, file)
  expectNothing()
  await daemon.kill('SIGKILL')
  expectNothing()
  const told = daemon.stdout() + daemon.stderr()
  for (const [what, canary] of Object.entries(canaries)) expect(told, what).not.toContain(canary)

  // What is encrypted in a backup is seen by restoring it.
  await using other = new LibvirtSite()
  other.home.write('key', readFileSync(site.home.file('key')))
  const restored = await offline(['restore', file, '--config', other.config], PASSPHRASE)
  expect(restored).toMatchObject({ code: 0, stderr: '' })
  await other.start()
  await using after = await other.connect()
  expect((await after.list()).map(({ uuid }) => uuid)).toEqual([LASTING])
})
