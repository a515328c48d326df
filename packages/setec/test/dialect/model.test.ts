import { setecPort } from '@secreg/setec/registry'
import { pathOf, SETEC_OPERATIONS, type SetecPort, serveSetec } from '@secreg/setec/server'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memorySetec } from '../../src/server/memory-port.ts'
import { registrySite } from '../registry/site.ts'
import { type ModelRequest, SetecModel } from './setec-model.ts'

const MAX = 4_294_967_295

const operation = fc.constantFrom(...SETEC_OPERATIONS, 'put', 'put', 'create-version')
const request = fc.record({
  name: fc.constantFrom('a', 'a', 'a', 'b/c', '\u{10000}', '\ue000', '_internal/x', ''),
  version: fc.constantFrom(0, 1, 2, 3, 4, 7, MAX - 1, MAX),
  value: fc.constantFrom('', 'MQ==', 'Mg=='),
  ifChanged: fc.boolean(),
})
const steps = fc.array(fc.tuple(operation, request), { minLength: 5, maxLength: 40 })

async function run(port: SetecPort, name: string, asked: ModelRequest): Promise<string> {
  const { version, value, ifChanged } = asked
  const body = { Name: asked.name, Version: version, Value: value, UpdateIfChanged: ifChanged }
  const answer = await serveSetec(
    {
      method: 'POST',
      path: pathOf(name as 'get'),
      contentType: 'application/json',
      guard: 'setec',
    },
    {
      identify: async () => port,
      readBody: async () => new TextEncoder().encode(JSON.stringify(body)),
    },
  )
  return `${answer.status} ${answer.body.trimEnd()}`
}

/** Version 0 with the flag is a plain get. */
const plain = (asked: ModelRequest): ModelRequest => ({
  ...asked,
  ifChanged: asked.ifChanged && asked.version !== 0,
})

async function follows(port: SetecPort, sequence: readonly [string, ModelRequest][]) {
  const model = new SetecModel()
  for (const [name, asked] of sequence) {
    expect(await run(port, name, asked)).toBe(model.run(name, plain(asked)))
  }
}

test('whatever is done in whatever order, secrets in memory are those of the model', async () => {
  await fc.assert(
    fc.asyncProperty(steps, (sequence) =>
      follows(
        memorySetec().portFor(() => true),
        sequence,
      ),
    ),
    { numRuns: 500 },
  )
})

test('and so are those in a registry', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const registry = await registrySite()
      const rules = [
        { action: ['get', 'info', 'put', 'create-version', 'activate', 'delete'], secret: ['*'] },
      ]
      await follows(setecPort(await registry.userWith({ id: 'all', rules })), sequence)
      await registry.close()
    }),
    { numRuns: 20 },
  )
})
