import { describe, expect, test } from 'vitest'
import { memorySetec } from '../../src/server/memory-port.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

describe('secrets in memory', () => {
  test('callers share them, and each may what he may', async () => {
    const database = memorySetec()
    const all = database.portFor(() => true)
    const asked: string[] = []
    const reader = database.portFor((action, name) => {
      asked.push(`${action} ${name}`)
      return action === 'get' && name === 'a'
    })
    expect(await all.put('a', bytesOf('one'))).toBe(1)
    await all.put('b', bytesOf('two'))
    expect(await reader.get('a', 0)).toEqual({ base64: 'b25l', version: 1 })
    const denied = expect.objectContaining({ reason: 'ACCESS_DENIED' })
    await expect(reader.get('b', 0)).rejects.toEqual(denied)
    await expect(reader.put('a', bytesOf('x'))).rejects.toEqual(denied)
    await expect(reader.createVersion('a', 9, bytesOf('x'))).rejects.toEqual(denied)
    await expect(reader.activate('a', 1)).rejects.toEqual(denied)
    await expect(reader.deleteVersion('a', 1)).rejects.toEqual(denied)
    await expect(reader.delete('a')).rejects.toEqual(denied)
    expect(await reader.list()).toEqual([])
    expect(asked).toEqual([
      'get a',
      'get b',
      'put a',
      'create-version a',
      'activate a',
      'delete a',
      'delete a',
      'info a',
      'info b',
    ])
    expect(await all.list()).toHaveLength(2)
  })

  test('databases share nothing', async () => {
    await memorySetec()
      .portFor(() => true)
      .put('a', bytesOf('x'))
    expect(
      await memorySetec()
        .portFor(() => true)
        .list(),
    ).toEqual([])
  })

  test('a value is not the array that was handed over', async () => {
    const port = memorySetec().portFor(() => true)
    const value = bytesOf('one')
    await port.put('a', value)
    value.fill(0)
    expect(await port.get('a', 1)).toEqual({ base64: 'b25l', version: 1 })
  })

  test('a value that differs in one byte is another one, whichever byte that is', async () => {
    const port = memorySetec().portFor(() => true)
    const versions: number[] = []
    for (const text of ['one', 'xne', 'xxe', 'xxx', 'xxx', 'xx']) {
      versions.push(await port.put('a', bytesOf(text)))
    }
    expect(versions).toEqual([1, 2, 3, 4, 4, 5])
  })

  test('numbers go on after a delete, and are not used twice', async () => {
    const port = memorySetec().portFor(() => true)
    await port.put('a', bytesOf('one'))
    await port.put('a', bytesOf('two'))
    await port.deleteVersion('a', 2)
    await port.delete('a')
    await expect(port.createVersion('a', 2, bytesOf('x'))).rejects.toEqual(
      expect.objectContaining({ reason: 'ALREADY_EXISTS' }),
    )
    expect(await port.put('a', bytesOf('two'))).toBe(3)
    expect(await port.info('a')).toEqual({ Name: 'a', Versions: [3], ActiveVersion: 3 })
  })
})
