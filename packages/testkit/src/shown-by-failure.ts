/** What anybody can see of something that fails: class 22, what must not be said is said when it goes wrong. */
import { inspect } from 'node:util'

const CONSOLE = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const

/**
 * Run something that fails.
 *
 * @returns all that it printed, and its error with all causes, in every form in which one is shown; `undefined` when it
 *   did not fail
 */
export async function shownByFailure(run: () => unknown): Promise<string | undefined> {
  const seen: string[] = []
  const restore = [
    replace(process.stdout, 'write', seen),
    replace(process.stderr, 'write', seen),
    ...CONSOLE.map((name) => replace(console, name, seen)),
  ]
  try {
    await run()
    return undefined
  } catch (error) {
    return [...seen, ...formsOf(error)].join('\n')
  } finally {
    for (const undo of restore) undo()
  }
}

function replace<O extends object>(object: O, name: keyof O, seen: string[]): () => void {
  const original = Object.getOwnPropertyDescriptor(object, name)
  const record = (...args: unknown[]): boolean => {
    seen.push(...args.map((one) => (one instanceof Uint8Array ? textOf(one) : inspected(one))))
    return true
  }
  Object.defineProperty(object, name, { value: record, configurable: true, writable: true })
  return () => {
    if (original === undefined) delete object[name]
    else Object.defineProperty(object, name, original)
  }
}

function formsOf(error: unknown): string[] {
  const forms = [inspected(error), String(error)]
  if (!(error instanceof Error)) return [...forms, JSON.stringify(error) ?? '']
  const { cause, stack = '' } = error
  const { errors = [] } = error as Partial<AggregateError>
  const inner = [...(cause === undefined ? [] : [cause]), ...errors]
  return [...forms, stack, jsonOf(error), ...inner.flatMap(formsOf)]
}

/** A request that hangs on an error may lead back to it. */
function jsonOf(error: Error): string {
  try {
    return JSON.stringify(error)
  } catch {
    return ''
  }
}

function inspected(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { depth: 8, showHidden: true })
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
