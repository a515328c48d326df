/**
 * Decisions per second of foreign documents. Every workload is first shown equal to the plain reading of
 * `test/sources/naive-foreign.ts`. Run with `npx vitest bench --run --root . --config ../../vitest.config.ts foreign`.
 */

import { type Action, compile, type ForeignDocument } from '@secreg/policy-engine'
import { bench, describe } from 'vitest'
import { NAMES } from '../test/sources/arbitrary-foreign.ts'
import { naiveMixed } from '../test/sources/naive-foreign.ts'
import { randomFrom } from './policies.ts'

const COUNTS = [10, 1_000]
const PATHS = 2_000
const PRINCIPALS = ['user:alice', 'group:ops']
const ACTIONS: readonly Action[] = ['read', 'list', 'decrypt', 'update']
const UUID = (index: number): string => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

interface Workload {
  readonly document: ForeignDocument
  readonly path: (index: number) => string
}

const head = (mount: string) => ({ id: 'f', principals: ['group:ops'], mount })

const WORKLOADS: Readonly<Record<string, (count: number) => Workload>> = {
  'vault, prefixes and a + pattern': (count) => ({
    document: {
      ...head('/kv/secret'),
      source: 'vault',
      apiMount: 'secret',
      policies: range(count).map((index) => ({
        name: `p${index}`,
        path: {
          [`secret/data/s${index}/*`]: { capabilities: ['read', 'update'] },
          ...(index === 0 ? { 'secret/data/+/key': { capabilities: ['deny'] } } : {}),
        },
      })),
    },
    path: (index) => `/kv/secret/s${index}/key`,
  }),
  'setec, one glob a rule': (count) => ({
    document: {
      ...head('/setec'),
      source: 'setec',
      rules: range(count).map((index) => ({ action: ['get'], secret: [`s${index}-*`] })),
    },
    path: (index) => `/setec/s${index}-key`,
  }),
  'acl, one path each': (count) => ({
    document: {
      ...head('/'),
      source: 'acl',
      acls: Object.fromEntries(
        range(count).map((index) => [
          `/app/s${index}`,
          { owner: 'alice', inheritance: { mode: 'all' as const } },
        ]),
      ),
    },
    path: (index) => `/app/s${index}/conf/key`,
  }),
  'libvirt, one secret a rule': (count) => ({
    document: {
      ...head('/libvirt'),
      source: 'libvirt',
      rules: range(count).map((index) => ({
        permissions: ['secret:read-secure', 'secret:write'],
        secrets: [UUID(index)],
      })),
    },
    path: (index) => `/libvirt/${UUID(index)}`,
  }),
}

for (const [name, make] of Object.entries(WORKLOADS)) {
  describe(name, () => {
    for (const count of COUNTS) {
      const { document, path } = make(count)
      const random = randomFrom(count)
      const paths = range(PATHS).map(() => path(Math.floor(random() * count * 1.2)))
      const policy = compile([document])
      const subject = policy.subject(PRINCIPALS)
      const names = new Map(paths.flatMap((one) => one.split('/').map((text) => [text, text])))
      const known = { ...Object.fromEntries(names), ...NAMES }
      for (const resource of paths.slice(0, 50)) {
        for (const action of ACTIONS) {
          const request = { action, resource }
          const ours = JSON.stringify(policy.decide({ subject, ...request }))
          const plain = naiveMixed([], [document], { principals: PRINCIPALS, ...request }, known)
          if (ours !== JSON.stringify(plain)) throw new Error(`${action} ${resource}: ${ours}`)
        }
      }
      let at = 0
      bench(`${count} rules`, () => {
        at = (at + 1) % PATHS
        policy.decide({ subject, action: ACTIONS[at & 3] ?? 'read', resource: paths[at] ?? '/' })
      })
    }
  })
}
