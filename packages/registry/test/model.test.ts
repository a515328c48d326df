import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryFiles } from '@secreg/audit/testing'
import type { RegistryApi } from '@secreg/protocol'
import { loginTestUser } from '@secreg/registry/testing'
import { compareKeys, type Engine, LevelEngine, MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addUser, type Home, outcomeOf, PASSWORD, restart, start } from './fixture.ts'

type Who = 'root' | 'bob'
type Step =
  | {
      readonly op: 'set'
      who: Who
      key: string
      value: string
      encrypt?: boolean
      if_version?: number
    }
  | { readonly op: 'get'; who: Who; key: string; decrypt: boolean }
  | { readonly op: 'delete'; who: Who; key: string; recursive: boolean }
  | { readonly op: 'list'; who: Who; prefix: string; recursive: boolean }
  | { readonly op: 'reopen' }

interface ModelEntry {
  value: string
  encrypted: boolean
  version: number
  live: boolean
}

/** The registry as its documentation tells it, for an administrator and a user with his own subtree. */
class Model {
  readonly #entries = new Map<string, ModelEntry>()

  run(step: Exclude<Step, { op: 'reopen' }>): unknown {
    const own = (path: string): boolean =>
      step.who === 'root' || path === '/user/bob' || path.startsWith('/user/bob/')
    const denied = { reason: 'ACCESS_DENIED' }
    const missing = { reason: 'STORAGE_KEY_NOT_FOUND' }
    const live = (path: string): ModelEntry | undefined => {
      const entry = this.#entries.get(path)
      return entry?.live === true ? entry : undefined
    }
    const below = (prefix: string): string[] =>
      [...this.#entries.keys()]
        .filter((key) => live(key) && key.startsWith(`${prefix}/`))
        .sort(compareKeys)
    switch (step.op) {
      case 'set': {
        if (!own(step.key)) return denied
        const before = this.#entries.get(step.key)
        if (step.if_version !== undefined && step.if_version !== (before?.version ?? 0)) {
          return { reason: 'VERSION_CONFLICT' }
        }
        const version = (before?.version ?? 0) + 1
        const encrypted = step.encrypt ?? before?.encrypted ?? false
        this.#entries.set(step.key, { value: step.value, encrypted, version, live: true })
        return { answer: { version } }
      }
      case 'get': {
        if (!own(step.key)) return denied
        const entry = live(step.key)
        if (entry === undefined) {
          return this.#entries.has(step.key) ? { reason: 'ENTRY_DELETED' } : missing
        }
        const { encrypted, version } = entry
        const value = encrypted && !step.decrypt ? null : entry.value
        return { answer: { value, encrypted, version } }
      }
      case 'delete': {
        if (step.recursive) {
          const gone = [...(live(step.key) ? [step.key] : []), ...below(step.key)].filter(own)
          const may = own(step.key) || '/user/bob'.startsWith(`${step.key}/`)
          if (!may) return denied
          if (gone.length === 0) return missing
          for (const key of gone) (this.#entries.get(key) as ModelEntry).live = false
          return { answer: { deleted: gone.length } }
        }
        if (!own(step.key)) return denied
        const entry = live(step.key)
        if (entry !== undefined) {
          entry.live = false
          return { answer: { deleted: 1 } }
        }
        return below(step.key).some(own) ? { reason: 'NOT_A_LEAF' } : missing
      }
      case 'list': {
        const may =
          step.who === 'root' || own(step.prefix) || '/user/bob'.startsWith(`${step.prefix}/`)
        if (!may) return denied
        const keys = new Set<string>()
        for (const key of below(step.prefix).filter(own)) {
          const slash = step.recursive ? -1 : key.indexOf('/', step.prefix.length + 1)
          keys.add(slash === -1 ? key : key.slice(0, slash + 1))
        }
        return { answer: { keys: [...keys].sort(compareKeys) } }
      }
    }
  }
}

async function runStep(api: RegistryApi, step: Exclude<Step, { op: 'reopen' }>): Promise<unknown> {
  const { op, who: _, ...request } = step
  return outcomeOf(() => (api[op] as (request: unknown) => Promise<unknown>)(request))
}

const who = fc.constantFrom<Who>('root', 'bob')
const key = fc.constantFrom(
  '/user',
  '/user/bob',
  '/user/bob/a',
  '/user/bob/a/b',
  '/user/bobby',
  '/app/a',
  '/app/a/b',
  '/app-2',
)
const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record(
        {
          op: fc.constant('set' as const),
          who,
          key,
          value: fc.string({ maxLength: 8, unit: 'grapheme' }),
          encrypt: fc.boolean(),
          if_version: fc.integer({ min: 0, max: 3 }),
        },
        { requiredKeys: ['op', 'who', 'key', 'value'] },
      ),
    },
    {
      weight: 4,
      arbitrary: fc.record({ op: fc.constant('get' as const), who, key, decrypt: fc.boolean() }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        op: fc.constant('delete' as const),
        who,
        key,
        recursive: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        op: fc.constant('list' as const),
        who,
        prefix: key,
        recursive: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('reopen' as const) }) },
  ),
  { maxLength: 25 },
)

interface Bench {
  readonly engine: () => Promise<Engine>
  readonly close: () => void
}

function memoryBench(): Bench {
  const medium = new MemoryEngine()
  return { engine: async () => new FaultEngine(medium), close: () => {} }
}

function levelBench(): Bench {
  const directory = mkdtempSync(join(tmpdir(), 'secreg-model-'))
  return {
    engine: () => LevelEngine.open(join(directory, 'data')),
    close: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** A failing sequence is printed by fast-check with its seed and path, and runs again with them. */
test.each([
  ['memory', memoryBench, 40],
  ['level', levelBench, 8],
] as const)(
  'two callers see what the model sees, through reopenings (%s)',
  async (_, makeBench, runs) => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const bench = makeBench()
        const files = createMemoryFiles()
        const model = new Model()
        let home: Home = await start({ engine: await bench.engine(), files })
        const apis = { root: home.api, bob: (await addUser(home, 'bob', ['user'])).api }
        try {
          for (const step of sequence) {
            if (step.op !== 'reopen') {
              expect(
                await runStep(apis[step.who], step as Exclude<Step, { op: 'reopen' }>),
              ).toMatchObject(model.run(step as Exclude<Step, { op: 'reopen' }>) as object)
              continue
            }
            await home.registry.close()
            home = await restart({ engine: await bench.engine(), files })
            apis.root = home.api
            apis.bob = home.registry.as(await loginTestUser(home, 'bob', PASSWORD))
          }
          expect((await home.engine.scrub()).findings).toEqual([])
        } finally {
          await home.registry.close()
          bench.close()
        }
      }),
      { numRuns: process.env['SECREG_SOAK'] === '1' ? runs * 50 : runs },
    )
  },
)
