import { createUpdater, openStore, type Secret, type SecretStore } from '@secreg/store'
import { describe, expect, test } from 'vitest'
import { FakeClock, FakeSource, settle, text } from './support.ts'

interface Site {
  readonly source: FakeSource
  readonly store: SecretStore<'a'>
  readonly secret: Secret
  rotate(value: string): Promise<void>
}

async function site(): Promise<Site> {
  const clock = new FakeClock()
  const source = new FakeSource(clock, { a: '1' })
  const store = await openStore({ source, secrets: ['a'], clock })
  return {
    source,
    store,
    secret: store.secret('a'),
    rotate: async (value) => {
      source.set('a', value)
      await store.refresh()
    },
  }
}

/** An object that knows whether it was ended. */
class Pool {
  readonly value: string
  ended = 0
  constructor(value: string) {
    this.value = value
  }
  close(): void {
    this.ended++
  }
}

const poolOf = (value: Uint8Array): Pool => new Pool(text(value))

describe('building', () => {
  test('at once, then only when another version is there and it is asked for', async () => {
    const { secret, rotate } = await site()
    const built: string[] = []
    const updater = createUpdater(secret, (value, version) => {
      built.push(`${text(value)}@${version}`)
      return text(value)
    })
    expect([updater.get(), updater.get(), updater.version]).toEqual(['1', '1', 1])
    await rotate('2')
    await rotate('3')
    expect(built).toEqual(['1@1'])
    expect(updater.version).toBe(1)
    expect([updater.get(), updater.get(), updater.version]).toEqual(['3', '3', 3])
    expect(built).toEqual(['1@1', '3@3'])
  })

  test('the first failure is thrown', async () => {
    const { secret } = await site()
    const fail = () => {
      throw new Error('unfit')
    }
    expect(() => createUpdater(secret, fail)).toThrow('unfit')
  })

  test('a later failure keeps the old object, is shown, and is not tried again', async () => {
    const { secret, rotate } = await site()
    let builds = 0
    const told: unknown[] = []
    const updater = createUpdater(
      secret,
      (value) => {
        builds++
        if (text(value) === 'bad') throw new Error('unfit')
        return poolOf(value)
      },
      { onError: (error) => told.push(error) },
    )
    const first = updater.get()
    await rotate('bad')
    expect(updater.error).toBeUndefined()
    expect([updater.get(), updater.get(), updater.get()]).toEqual([first, first, first])
    expect([builds, first.ended, updater.version]).toEqual([2, 0, 1])
    expect(updater.error).toMatchObject({ message: 'unfit' })
    expect(told).toEqual([updater.error])
    await rotate('good')
    expect(updater.get().value).toBe('good')
    expect([updater.error, first.ended]).toEqual([undefined, 1])
  })

  test('a builder that asks for the object gets the old one', async () => {
    const { secret, rotate } = await site()
    const seen: string[] = []
    const updater = createUpdater(secret, (value): string => {
      if (text(value) !== '1') seen.push(updater.get())
      return text(value)
    })
    await rotate('2')
    expect([updater.get(), seen]).toEqual(['2', ['1']])
  })

  test('the value may be kept', async () => {
    const { secret, rotate } = await site()
    const updater = createUpdater(secret, (value) => value)
    const kept = updater.get()
    await rotate('2')
    updater.get()
    expect(text(kept)).toBe('1')
  })

  test('after the store is closed the object stays', async () => {
    const { store, secret, rotate } = await site()
    const updater = createUpdater(secret, poolOf)
    await rotate('2')
    await store.close()
    expect([updater.get().value, updater.get().ended]).toEqual(['1', 0])
    expect(updater.error).toMatchObject({ code: 'ERR_STORE_CLOSED' })
  })

  test.each([
    [undefined, poolOf],
    [{}, poolOf],
    [{ value: () => new Uint8Array(0) }, undefined],
  ])('wrong arguments %#', (secret, build) => {
    expect(() => createUpdater(secret as never, build as never)).toThrow(TypeError)
  })
})

describe('replaced objects', () => {
  test('are ended once, by the first way that they have', async () => {
    const { secret, rotate } = await site()
    const ended: string[] = []
    const ways: Record<PropertyKey, () => void>[] = [
      { close: () => ended.push('close') },
      { close: () => ended.push('wrong'), [Symbol.dispose]: () => ended.push('dispose') },
      { close: () => ended.push('wrong'), [Symbol.asyncDispose]: async () => ended.push('async') },
      {},
    ]
    const updater = createUpdater(secret, () => ways.shift())
    for (const value of ['2', '3', '4']) {
      await rotate(value)
      updater.get()
      await settle()
    }
    expect(ended).toEqual(['close', 'dispose', 'async'])
    await updater.close()
  })

  test('another way can be given', async () => {
    const { secret, rotate } = await site()
    const ended: string[] = []
    const updater = createUpdater(secret, text, { dispose: (value) => void ended.push(value) })
    await rotate('2')
    updater.get()
    await updater.close()
    expect(ended).toEqual(['1', '2'])
  })

  test('an object that is in use is ended only afterwards', async () => {
    const { secret, rotate } = await site()
    const updater = createUpdater(secret, poolOf)
    const gates: (() => void)[] = []
    const use = () =>
      updater.use(async (pool) => {
        await new Promise<void>((resolve) => gates.push(resolve))
        return pool
      })
    const [one, two] = [use(), use()]
    const old = updater.get()
    await rotate('2')
    const next = await updater.use((pool) => pool)
    expect([next.value, old.ended]).toEqual(['2', 0])
    gates[0]?.()
    expect(await one).toBe(old)
    expect(old.ended).toBe(0)
    gates[1]?.()
    await two
    await settle()
    expect([old.ended, next.ended]).toEqual([1, 0])
  })

  test('a task that fails counts as ended', async () => {
    const { secret, rotate } = await site()
    const updater = createUpdater(secret, poolOf)
    const old = updater.get()
    const failed = updater.use(async () => {
      await rotate('2')
      updater.get()
      expect(old.ended).toBe(0)
      throw new Error('task')
    })
    await expect(failed).rejects.toThrow('task')
    expect(old.ended).toBe(1)
    const thrown = updater.use(() => {
      throw new Error('at once')
    })
    await expect(thrown).rejects.toThrow('at once')
  })

  test('an object that is given again is not ended', async () => {
    const { secret, rotate } = await site()
    const one = new Pool('the one')
    const updater = createUpdater(secret, () => one)
    await rotate('2')
    expect([updater.get(), one.ended, updater.version]).toEqual([one, 0, 2])
    await updater.close()
    expect(one.ended).toBe(1)
  })

  test('failures of ending are told', async () => {
    const { secret, rotate } = await site()
    const told: unknown[] = []
    const dispose = async () => {
      throw new Error('stuck')
    }
    const updater = createUpdater(secret, poolOf, { dispose, onError: (error) => told.push(error) })
    await rotate('2')
    expect(updater.get().value).toBe('2')
    await updater.close()
    expect(told).toMatchObject([{ message: 'stuck' }, { message: 'stuck' }])
    expect(updater.error).toBeUndefined()
  })
})

describe('closing', () => {
  test('waits for who uses it, ends it, and gives nothing more', async () => {
    const { secret } = await site()
    const updater = createUpdater(secret, poolOf)
    const pool = updater.get()
    let release = (): void => {}
    const used = updater.use(
      () =>
        new Promise<void>((resolve) => {
          release = resolve
        }),
    )
    let closed = 0
    const closing = [updater.close(), updater.close()].map((done) => done.then(() => closed++))
    await settle()
    expect([closed, pool.ended]).toEqual([0, 0])
    expect(() => updater.get()).toThrow(expect.objectContaining({ code: 'ERR_STORE_CLOSED' }))
    await expect(updater.use(() => 0)).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' })
    release()
    await used
    await Promise.all(closing)
    await updater[Symbol.asyncDispose]()
    expect(pool.ended).toBe(1)
  })
})
