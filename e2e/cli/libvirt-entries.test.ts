/** Secrets of libvirt at the commands of `sreg`: who may have them by what they are for, and what is done to them. */
import { formatSecretXml } from '@secreg/libvirt'
import { expect, test, vi } from 'vitest'
import type { Desk } from './desk.ts'
import { openDeskOfTwo } from './desk-of-two.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

const [MINE, OTHER, NEW] = [1, 2, 3].map(
  (number) => `11111111-1111-4111-8111-00000000000${number}`,
) as [string, string, string]

const RULES = {
  rules: [
    { permissions: ['connect:search-secrets'] },
    {
      permissions: ['secret:getattr', 'secret:read', 'secret:read-secure', 'secret:write'],
      secrets: ['*'],
      usage: { type: 'volume', id: '/dev/vg/*' },
    },
  ],
}

/** A desk of two with a secret for a volume, and one that is for something else and private. */
async function deskWithSecrets(): Promise<Desk> {
  const desk = await openDeskOfTwo()
  for (const [uuid, type, id, isPrivate] of [
    [MINE, 'volume', '/dev/vg/mine', false],
    [OTHER, 'tls', 'other', true],
  ] as const) {
    const usage = { type, id }
    const definition = { uuid, usage, ephemeral: false, private: isPrivate }
    desk.file(`virt/${uuid}.xml`, formatSecretXml(definition))
    desk.file(`virt/${uuid}.base64`, Buffer.from(`value of ${id}`).toString('base64'))
  }
  await desk.ok('sreg import virt --format libvirt')
  desk.file('vg.json', JSON.stringify(RULES))
  await desk.ok('sreg policy import vg.json --format libvirt --principal user:bob')
  return desk
}

test('rules about what they are for hold at every command', async () => {
  await using desk = await deskWithSecrets()
  const get = (uuid: string): string => `as-bob get /libvirt/${uuid} --decrypt --raw`
  expect(await desk.ok(get(MINE))).toBe('value of /dev/vg/mine')
  expect(await desk.ok('as-bob list /libvirt')).toBe(`/libvirt/${MINE}\n`)
  const [other, missing] = [await desk.sh(get(OTHER)), await desk.sh(get(NEW))]
  expect([other.code, other.stdout]).toEqual([3, ''])
  expect(missing.code).toBe(3)
  expect(other.stderr.replaceAll(OTHER, NEW)).toBe(missing.stderr)
  const why = async (uuid: string, more = ''): Promise<string> =>
    desk.ok(`as-bob policy explain decrypt /libvirt/${uuid} ${more}`)
  expect((await why(OTHER)).replaceAll(OTHER, NEW)).toBe(await why(NEW))
  expect(await why(NEW, '--usage volume:/dev/vg/new')).toMatch(/may decrypt/i)
  // What it is for is not his to say.
  const change = `as-bob meta set /libvirt/${MINE} --custom usage_id=/dev/vg/else`
  await desk.fails(change, 3, /permission denied/)
  await desk.ok(`sreg meta set /libvirt/${MINE} --custom usage_id=/dev/elsewhere`)
  await desk.fails(get(MINE), 3, /permission denied/)
})

test('a move takes a secret along with what it is for; nothing else can be for the same', async () => {
  await using desk = await deskWithSecrets()
  const [mine, other] = [`/libvirt/${MINE}`, `/libvirt/${OTHER}`]
  await desk.ok(`sreg move ${mine} /libvirt/${NEW}`)
  expect(await desk.ok(`as-bob get /libvirt/${NEW} --decrypt --raw`)).toBe('value of /dev/vg/mine')
  const taken = /another entry has what only one may have/
  await desk.fails(`sreg copy /libvirt/${NEW} ${mine}`, 5, taken)
  const same = '--custom usage_type=volume --custom usage_id=/dev/vg/mine'
  await desk.fails(`sreg meta set ${other} ${same}`, 5, taken)
  await desk.fails(`sreg move /libvirt/${NEW} /app/secret`, 6, /the write rules differ there/)
  await desk.ok(`sreg move /libvirt/${NEW} ${mine}`)
  // A private one stays so wherever it is copied to.
  await desk.ok(`sreg copy ${other} /app/copy`)
  const meta = JSON.parse(await desk.ok('sreg meta get /app/copy --json'))
  expect(meta).toMatchObject({ private: true, encrypted: true })
})
