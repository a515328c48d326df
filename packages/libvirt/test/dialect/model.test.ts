/** Secrets in a registry against a plain map of them: whatever is done, in whatever order. */
import type { SecretDefinition, UsageType } from '@secreg/libvirt'
import { LibvirtError } from '@secreg/libvirt'
import type { SecretsPort } from '@secreg/libvirt/server'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytes, registrySite, secret, uuidWith } from '../registry/site.ts'

interface Kept {
  readonly definition: SecretDefinition
  readonly value?: string
}

type Model = Map<string, Kept>

const uuid = fc.constantFrom(...['a', 'b', 'c'].map(uuidWith))
const usage = fc.oneof(
  fc.constant({ type: 'none' as UsageType, id: '' }),
  fc.record({ type: fc.constantFrom<UsageType>('ceph', 'tls'), id: fc.constantFrom('x', 'y') }),
)

/** What the code of a refusal is; `undefined` when it is done. */
function define(model: Model, definition: SecretDefinition): number | undefined {
  const { uuid, usage } = definition
  const before = model.get(uuid)
  if (before !== undefined) {
    if (before.definition.usage.id !== usage.id) return 1
    if (before.definition.private && !definition.private) return 1
  }
  const others = [...model.values()].filter((kept) => kept.definition.uuid !== uuid)
  const isSame = ({ definition: { usage: other } }: Kept): boolean =>
    other.type === usage.type && other.id === usage.id
  if (usage.type !== 'none' && others.some(isSame)) return 1
  model.set(uuid, { ...before, definition })
  return undefined
}

class Define implements fc.AsyncCommand<Model, SecretsPort> {
  readonly definition: SecretDefinition
  constructor(definition: SecretDefinition) {
    this.definition = definition
  }
  check = (): boolean => true
  async run(model: Model, port: SecretsPort): Promise<void> {
    const expected = define(model, this.definition)
    expect(await codeOf(() => port.define(this.definition))).toBe(expected)
    await compare(model, port)
  }
  toString = (): string => `define(${JSON.stringify(this.definition)})`
}

class SetValue implements fc.AsyncCommand<Model, SecretsPort> {
  readonly uuid: string
  readonly value: string
  constructor(uuid: string, value: string) {
    this.uuid = uuid
    this.value = value
  }
  check = (): boolean => true
  async run(model: Model, port: SecretsPort): Promise<void> {
    const kept = model.get(this.uuid)
    const expected = this.value === '' ? 8 : kept === undefined ? 66 : undefined
    expect(await codeOf(() => port.setValue(this.uuid, bytes(this.value)))).toBe(expected)
    if (expected === undefined && kept !== undefined) {
      model.set(this.uuid, { ...kept, value: this.value })
    }
    await compare(model, port)
  }
  toString = (): string => `setValue(${this.uuid}, ${this.value})`
}

class Undefine implements fc.AsyncCommand<Model, SecretsPort> {
  readonly uuid: string
  constructor(uuid: string) {
    this.uuid = uuid
  }
  check = (): boolean => true
  async run(model: Model, port: SecretsPort): Promise<void> {
    const expected = model.delete(this.uuid) ? undefined : 66
    expect(await codeOf(() => port.undefine(this.uuid))).toBe(expected)
    await compare(model, port)
  }
  toString = (): string => `undefine(${this.uuid})`
}

async function codeOf(run: () => Promise<unknown>): Promise<number | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    if (LibvirtError.is(error)) return error.code
    throw error
  }
}

async function compare(model: Model, port: SecretsPort): Promise<void> {
  const kept = [...model.values()].sort((a, b) => (a.definition.uuid < b.definition.uuid ? -1 : 1))
  expect(await port.list()).toEqual(kept.map(({ definition }) => definition))
  for (const type of ['ceph', 'tls'] as const) {
    for (const id of ['x', 'y']) {
      const holder = kept.find(
        ({ definition: { usage } }) => usage.type === type && usage.id === id,
      )
      const found = await port.lookupByUsage({ type, id }).catch(() => undefined)
      expect(found).toEqual(holder?.definition)
    }
  }
  for (const { definition, value } of kept) {
    // Of a private one without a value, everybody is told that it is private.
    const expected = value === undefined ? (definition.private ? 65 : 66) : undefined
    if (expected === undefined) {
      expect(await port.getValue(definition.uuid)).toEqual(bytes(value ?? ''))
    } else expect(await codeOf(() => port.getValue(definition.uuid))).toBe(expected)
  }
}

test('secrets in a registry are those of the model', async () => {
  const commands = fc.commands(
    [
      fc.tuple(uuid, usage, fc.boolean(), fc.boolean(), fc.constantFrom(undefined, 'd', 'e')).map(
        ([id, use, ephemeral, isPrivate, description]) =>
          new Define(
            secret(id, {
              usage: use,
              ephemeral,
              private: isPrivate,
              ...(description === undefined ? {} : { description }),
            }),
          ),
      ),
      fc
        .tuple(uuid, fc.constantFrom('', '1', '2', 'v'.repeat(6000)))
        .map(([id, value]) => new SetValue(id, value)),
      uuid.map((id) => new Undefine(id)),
    ],
    { maxCommands: 30 },
  )
  await fc.assert(
    fc.asyncProperty(commands, async (run) => {
      const site = await registrySite()
      await fc.asyncModelRun(() => ({ model: new Map(), real: site.port }), run)
      await site.close()
    }),
    { numRuns: 30 },
  )
})

test('of those that define the same use at the same time, one does', async () => {
  const { port, close } = await registrySite()
  const uuids = [...'0123456789abcdef'].map(uuidWith)
  const usage = { type: 'ceph', id: 'x' } as const
  const codes = await Promise.all(
    uuids.map((id) => codeOf(() => port.define(secret(id, { usage })))),
  )
  const done = uuids.filter((_, at) => codes[at] === undefined)
  expect(codes.filter((code) => code === 1)).toHaveLength(15)
  expect((await port.list()).map((made) => made.uuid)).toEqual(done)
  expect((await port.lookupByUsage(usage)).uuid).toBe(done[0])
  await close()
})
