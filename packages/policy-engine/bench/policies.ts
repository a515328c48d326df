/** Policies and requests of the benchmark: what is kind to an index, and what is not. */

import type { Action, PolicyDocument, PolicyRule } from '@secreg/policy-engine'

/** One policy with the paths that are asked of it. */
export interface Workload {
  readonly documents: readonly PolicyDocument[]
  readonly principals: readonly string[]
  readonly paths: readonly string[]
  readonly actions: readonly Action[]
}

/** A repeatable sequence of numbers in [0, 1) (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const PATHS = 20_000
/** Paths where nearly every one makes states of its own. */
const FEW_PATHS = 2_000
const ACTIONS: readonly Action[] = ['read', 'list', 'decrypt', 'update']
const PRINCIPALS = ['user:alice', 'role:operator', 'group:ops']

type Make = (index: number) => Partial<PolicyRule> & { readonly resources: readonly string[] }

function workload(
  count: number,
  make: Make,
  path: (random: () => number, count: number) => string,
  paths = PATHS,
): Workload {
  const rules = Array.from(
    { length: count },
    (_, index): PolicyRule => ({
      id: `r${index}`,
      effect: index % 10 === 9 ? 'deny' : 'allow',
      principals: [PRINCIPALS[index % 3] ?? '*'],
      actions: [...ACTIONS].slice(index % 3),
      ...make(index),
    }),
  )
  const random = randomFrom(count)
  return {
    documents: [{ id: 'bench', rules }],
    principals: PRINCIPALS,
    paths: Array.from({ length: paths }, () => path(random, count)),
    actions: ACTIONS,
  }
}

const pick = (random: () => number, count: number): number => Math.floor(random() * count)
const DEEP = '/one/two/three/four/five/six'

/** By name: how rules and paths of a number of rules look. */
export const WORKLOADS: Readonly<Record<string, (count: number) => Workload>> = {
  'subtrees of services': (count) =>
    workload(
      count,
      (index) => ({ resources: [`/app/service-${index}/**`] }),
      (random, rules) => `/app/service-${pick(random, rules * 1.2)}/conf/key-${pick(random, 1e6)}`,
    ),
  'shared prefix, exact keys': (count) =>
    workload(
      count,
      (index) => ({ resources: [`${DEEP}/key-${index}`] }),
      (random, rules) => `${DEEP}/key-${pick(random, rules * 1.2)}`,
    ),
  'shared head of globs': (count) =>
    workload(
      count,
      (index) => ({ resources: [`/app/db-*-${index}`] }),
      (random, rules) => `/app/db-${pick(random, 1e6)}-${pick(random, rules * 1.2)}`,
    ),
  'piece inside of globs': (count) =>
    workload(
      count,
      (index) => ({ resources: [`/app/*-${index}-*`] }),
      (random, rules) => `/app/x${pick(random, 1e6)}-${pick(random, rules * 1.2)}-y`,
    ),
  'stars at every depth': (count) =>
    workload(
      count,
      (index) => {
        const bits = Array.from({ length: 13 }, (_, bit) => ((index >> bit) & 1 ? '*' : 'a'))
        return { resources: [`/${bits.join('/')}/${index}`] }
      },
      (random, rules) =>
        `/${Array.from({ length: 13 }, () => (random() < 0.9 ? 'a' : 'b')).join('/')}/${pick(random, rules)}`,
      FEW_PATHS,
    ),
  'all rules on one subtree': (count) =>
    workload(
      count,
      () => ({ resources: ['/app/**'] }),
      (random) => `/app/service-${pick(random, 1000)}/key-${pick(random, 1e6)}`,
    ),
  'conditions on half': (count) =>
    workload(
      count,
      (index) => ({
        resources: [`/app/service-${index}/**`],
        ...(index % 2 === 0
          ? {
              when: {
                mfa: true,
                ip: ['10.0.0.0/8', '2001:db8::/32'],
                time: { from: '00:00', to: '23:59', zone: 'Europe/Prague' },
              },
            }
          : {}),
      }),
      (random, rules) => `/app/service-${pick(random, rules * 1.2)}/conf/key-${pick(random, 1e6)}`,
    ),
}
