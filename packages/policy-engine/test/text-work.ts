/** Work on texts, counted: what takes long among patterns that an attacker wrote, on whatever machine. */

const NAMES = [
  'charCodeAt',
  'codePointAt',
  'endsWith',
  'includes',
  'indexOf',
  'lastIndexOf',
  'replaceAll',
  'slice',
  'split',
  'startsWith',
  'substring',
] as const

/** How often texts are looked at or cut while something runs; each of these takes at most as long as its text. */
export function textWork(run: () => void): number {
  const own = String.prototype as unknown as Record<string, (...args: unknown[]) => unknown>
  const before = NAMES.map((name) => own[name] as (...args: unknown[]) => unknown)
  let calls = 0
  NAMES.forEach((name, at) => {
    const method = before[at] as (...args: unknown[]) => unknown
    own[name] = function (this: string, ...args) {
      calls++
      return method.apply(this, args)
    }
  })
  try {
    run()
  } finally {
    NAMES.forEach((name, at) => {
      own[name] = before[at] as (...args: unknown[]) => unknown
    })
  }
  return calls
}
