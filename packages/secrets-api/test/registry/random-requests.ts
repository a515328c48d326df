/** Any requests mean the same over a provider as over a plain memory. */
import {
  copySecret,
  deleteSecret,
  destroySecretVersions,
  listSecretVersions,
  moveSecret,
  parseSecretUri,
  type SecretProvider,
  undeleteSecretVersions,
  writeSecret,
} from '@secreg/secrets-api'
import fc from 'fast-check'
import { expect } from 'vitest'
import { AUTHOR } from '../operations/secrets.ts'
import { VersionedMemory } from '../provider/memory-provider.ts'
import { laterReasonOf } from '../reason-of.ts'

const PATHS = ['a', 'b', 'b/c']
const tail = fc
  .tuple(fc.constantFrom(...PATHS), fc.constantFrom('', '#x', '#y', '#__proto__'))
  .map(([path, key]) => `${path}${key}`)
const path = fc.constantFrom(...PATHS)

const uriOf = (text: string) => parseSecretUri(`openbao+kv2://secret/${text}`)

type Request = (provider: SecretProvider) => Promise<unknown>

/** The current version, by the provider's own number. */
async function current(provider: SecretProvider, at: string): Promise<number> {
  return (await provider.metadata(uriOf(at)))?.currentVersion ?? 1
}

const request: fc.Arbitrary<[string, Request]> = fc.oneof(
  fc.tuple(tail, fc.string()).map(([at, text]): [string, Request] => [
    `write ${at}`,
    (provider) => {
      const value = at.includes('#') ? text : { [text]: text, also: 1 }
      return writeSecret(provider, uriOf(at), value, AUTHOR)
    },
  ]),
  fc
    .tuple(tail, fc.boolean())
    .map(([at, destroy]): [string, Request] => [
      `delete ${at} ${destroy}`,
      (provider) => deleteSecret(provider, uriOf(at), { destroy }),
    ]),
  fc
    .tuple(tail, tail, fc.boolean(), fc.boolean())
    .map(([from, to, overwrite, moves]): [string, Request] => [
      `${moves ? 'move' : 'copy'} ${from} ${to} ${overwrite}`,
      (provider) => {
        const end = (at: string) => ({ provider, uri: uriOf(at) })
        const run = moves ? moveSecret : copySecret
        return run(end(from), end(to), { ...AUTHOR, overwrite })
      },
    ]),
  path.map((at): [string, Request] => [
    `undelete ${at}`,
    async (provider) => undeleteSecretVersions(provider, uriOf(at), [await current(provider, at)]),
  ]),
  path.map((at): [string, Request] => [
    `destroy the version of ${at}`,
    async (provider) => destroySecretVersions(provider, uriOf(at), [await current(provider, at)]),
  ]),
)

/** What can be told of a secret without numbers, which are each provider's own. */
async function told(provider: SecretProvider, at: string) {
  const secret = await provider.read(uriOf(at))
  let states: unknown
  const reason = await laterReasonOf(async () => {
    const { versions } = await listSecretVersions(provider, uriOf(at), Date.now() + 1000)
    states = versions.length > 0
  })
  const data = secret.kind === 'found' ? secret.data : undefined
  return { kind: secret.kind, data, states: reason ?? states }
}

const write = (at: string): [string, Request] => [
  `write ${at}`,
  (provider) => writeSecret(provider, uriOf(at), { x: at, y: 'y' }, AUTHOR),
]
/** So that there is something for the rest to meet. */
const FIRST = [write('a'), write('b')]

/** @param make - a provider without any secret, with versions */
export async function sameAsMemory(make: () => SecretProvider, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 20, size: 'max' }), async (requests) => {
      const [provider, memory] = [make(), new VersionedMemory()]
      for (const [name, run] of [...FIRST, ...requests]) {
        const wanted = await laterReasonOf(run(memory))
        expect(await laterReasonOf(run(provider)), name).toBe(wanted)
        for (const at of PATHS) {
          expect(await told(provider, at), `${name}, then ${at}`).toEqual(await told(memory, at))
        }
      }
    }),
    { numRuns },
  )
}
