// One policy and its requests, in words that every engine has: who, what, and a subtree.

/** Who asks: alice, who is an operator and in ops. */
export const SUBJECT = { user: 'alice', role: 'operator', group: 'ops' }

const PRINCIPALS = [
  ['user', 'alice'],
  ['role', 'operator'],
  ['group', 'ops'],
]
export const ACTIONS = ['read', 'list', 'decrypt', 'update']
const REQUESTS = 20_000

/** A repeatable sequence of numbers in [0, 1) (mulberry32). */
function randomFrom(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * `count` rules, each for one principal, one action and all below one folder; every tenth denies. Two rules in a row are
 * about the same folder, so that some requests meet an allow and a deny. Requests are for a key in one of these
 * folders, or, one in twenty, in one that no rule is about.
 *
 * @returns {{ rules: { effect: 'allow' | 'deny', kind: string, name: string, action: string, folder: string }[],
 *   requests: { action: string, folder: string, path: string }[] }}
 */
export function workload(count) {
  const random = randomFrom(count)
  const pick = (list) => list[Math.floor(random() * list.length)]
  const folders = Math.ceil(count / 2)
  const rules = Array.from({ length: count }, (_, index) => {
    const [kind, name] = PRINCIPALS[index % 3]
    const effect = index % 10 === 9 ? 'deny' : 'allow'
    // A deny is about what the rule before it allows.
    const action = ACTIONS[(effect === 'deny' ? index - 1 : index) % ACTIONS.length]
    return { effect, kind, name, action, folder: `/app/service-${index >> 1}` }
  })
  const requests = Array.from({ length: REQUESTS }, (_, index) => {
    const folder =
      index % 20 === 0 ? '/app/other' : `/app/service-${Math.floor(random() * folders)}`
    return { action: pick(ACTIONS), folder, path: `${folder}/key-${index % 10}` }
  })
  return { rules, requests }
}
