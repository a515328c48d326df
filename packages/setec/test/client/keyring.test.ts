import { inspect } from 'node:util'
import { Client, Keyring } from '@secreg/setec'
import { startSetecServer } from '@secreg/setec/testing'
import { waitFor } from '@secreg/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { asked, bytes, recordingFetch, text } from './support.ts'

async function started(callers?: Parameters<typeof startSetecServer>[0]) {
  const server = await startSetecServer(callers)
  onTestFinished(() => server.close())
  await server.db.createVersion('key', 3, 'three')
  await server.db.createVersion('key', 20, 'twenty')
  await server.db.createVersion('key', 5, 'five')
  const { sent, fetch } = recordingFetch()
  return { server, sent, client: new Client(server.url, { fetch }) }
}

describe('a keyring', () => {
  test('has every version, and knows the active one', async () => {
    const { client, sent } = await started()
    const keyring = await client.getKeyring('key')
    expect(keyring.versions).toEqual([3, 5, 20])
    expect(keyring.active()).toEqual({ value: bytes('five'), version: 5 })
    expect(text(keyring.get(20))).toBe('twenty')
    expect(keyring.get(4)).toBeUndefined()
    expect([asked(sent, 'info').length, asked(sent, 'get').length]).toEqual([1, 3])
  })

  test('fetches only what is new, and keeps what was deleted', async () => {
    const { client, server, sent } = await started()
    const keyring = await client.getKeyring('key')
    sent.length = 0
    await server.db.createVersion('key', 21, 'next')
    await server.db.deleteVersion('key', 3)
    await keyring.update()
    expect(keyring.versions).toEqual([3, 5, 20, 21])
    expect(text(keyring.get(3))).toBe('three')
    expect(text(keyring.active().value)).toBe('next')
    expect(asked(sent, 'get')).toEqual([{ Name: 'key', Version: 21, UpdateIfChanged: false }])
    await server.db.activate('key', 20)
    await keyring.update()
    expect(keyring.active().version).toBe(20)
  })

  test('stays as it was when anything fails', async () => {
    const { client, server } = await started()
    const keyring = await client.getKeyring('key')
    await server.db.createVersion('key', 7, 'seven')
    await server.db.createVersion('key', 8, 'eight')
    const failing = {
      info: client.info.bind(client),
      getVersion: async (name: string, version: number) => {
        if (version === 8) throw new Error('no answer')
        return client.getVersion(name, version)
      },
    }
    const broken = new Keyring(failing, 'key')
    await expect(broken.update()).rejects.toThrow('no answer')
    expect(broken.versions).toEqual([])
    expect(() => broken.active()).toThrow(RangeError)
    await server.db.delete('key')
    await expect(keyring.update()).rejects.toMatchObject({ code: 'ERR_SETEC_NOT_FOUND' })
    expect([keyring.versions, keyring.active().version]).toEqual([[3, 5, 20], 5])
  })

  test('needs a right to both', async () => {
    const callers = {
      getter: [{ action: ['get'], secret: ['*'] }],
      lister: [{ action: ['info'], secret: ['*'] }],
    } as const
    const { server } = await started({ callers })
    for (const caller of ['getter', 'lister']) {
      const client = new Client(server.urlFor(caller))
      await expect(client.getKeyring('key')).rejects.toMatchObject({
        code: 'ERR_SETEC_ACCESS_DENIED',
      })
    }
  })

  test('is updated one at a time, so that no older answer comes last', async () => {
    const answers: ((active: number) => void)[] = []
    const client = {
      info: async () => {
        const activeVersion = await new Promise<number>((resolve) => answers.push(resolve))
        return { name: 'key', versions: [3, 5], activeVersion }
      },
      getVersion: async (_: string, version: number) => ({ value: bytes('v'), version }),
    }
    const keyring = new Keyring(client, 'key')
    const updates = [keyring.update(), keyring.update()]
    await waitFor(() => answers.length > 0)
    // Were both under way, the later one would be answered first.
    answers[1]?.(5)
    answers[0]?.(3)
    await waitFor(() => answers.length === 2)
    answers[1]?.(5)
    await Promise.all(updates)
    expect(keyring.active().version).toBe(5)
  })

  test('gives copies, and shows no value to who prints it', async () => {
    const { client } = await started()
    const keyring = await client.getKeyring('key')
    keyring.get(3)?.fill(0)
    keyring.active().value.fill(0)
    expect(text(keyring.get(3)) + text(keyring.get(5))).toBe('threefive')
    const shown = inspect(keyring, { depth: 9 }) + JSON.stringify({ keyring })
    expect(shown).not.toMatch(/three|116, 104/)
  })
})
