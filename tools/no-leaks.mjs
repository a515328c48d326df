// Runs before each file of unit tests. Files share the process they run in, so each has to leave it as it was found: what
// one forgets to undo fails that file, and not whichever comes next.
import { afterAll, expect, vi } from 'vitest'

/** Of these no value may be replaced. Libraries add some of their own, and what is loaded on first use becomes a value then. */
const HOLDERS = {
  globalThis,
  console,
  performance,
  'Object.prototype': Object.prototype,
  'Array.prototype': Array.prototype,
  'Uint8Array.prototype': Uint8Array.prototype,
}

const umask = () => {
  const mask = process.umask(0)
  process.umask(mask)
  return mask
}

/** What a file has to leave alone, by name. */
function look() {
  const seen = new Map([
    ['working directory', process.cwd()],
    ['umask', umask()],
    ['exit code', process.exitCode],
  ])
  for (const [name, value] of Object.entries(process.env)) seen.set(`environment ${name}`, value)
  // What runs at the end of the process is added by libraries when they are used first.
  for (const event of process.eventNames().filter((name) => name !== 'exit'))
    seen.set(`listeners of ${String(event)}`, process.listenerCount(event))
  return seen
}

const valuesOf = () =>
  Object.entries(HOLDERS).flatMap(([holder, object]) =>
    Object.entries(Object.getOwnPropertyDescriptors(object)).flatMap(([name, { value }]) =>
      value === undefined ? [] : [{ holder, name, value }],
    ),
  )

const before = look()
const values = valuesOf()

afterAll(() => {
  const after = look()
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => before.get(name) !== after.get(name),
  )
  const replaced = values.flatMap(({ holder, name, value }) =>
    Object.is(HOLDERS[holder][name], value) ? [] : [`${holder}.${name}`],
  )
  expect([...changed, ...replaced], 'the process is not left as it was found').toEqual([])
  expect(vi.isFakeTimers(), 'timers are left faked').toBe(false)
})
