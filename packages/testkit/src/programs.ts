/** Foreign programs that a test needs: found, or the test is skipped with a reason that is printed and counted. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Path of a program, or why it cannot be used. */
export type ProgramResult =
  | { readonly found: true; readonly path: string }
  | { readonly found: false; readonly reason: string }

/** What a test context offers to skip itself, as in vitest. */
export interface SkippableContext {
  skip(note?: string): never
}

/** Look for a program in `PATH`. */
export function findProgram(name: string, path: string = process.env['PATH'] ?? ''): ProgramResult {
  for (const directory of path.split(delimiter)) {
    const candidate = join(directory, name)
    try {
      accessSync(candidate, constants.X_OK)
      return { found: true, path: candidate }
    } catch {}
  }
  return { found: false, reason: `program ${name} is not installed` }
}

/**
 * Path of a program; the test is skipped when it is absent. The reason is the note of the skipped test, which the
 * report counts.
 *
 * @param context - The context that vitest gives to a test.
 */
export function requireProgram(context: SkippableContext, name: string): string {
  const result = findProgram(name)
  if (result.found) return result.path
  return skipTest(context, result.reason)
}

/**
 * Path of a Python 3 that has a module; the test is skipped when it is absent. It is the interpreter itself: what stands
 * for it in `PATH` may be a program that looks for one at each start, which takes longer than the interpreter.
 *
 * @param context - The context that vitest gives to a test.
 */
export function requirePython(context: SkippableContext, module: string): string {
  const python = requireProgram(context, 'python3')
  const { status, stdout } = spawnSync(
    python,
    ['-c', `import sys, ${module}; print(sys.executable)`],
    { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' },
  )
  if (status !== 0) skipTest(context, `Python module ${module} is not installed`)
  return stdout.trim()
}

/** Skip a test with a reason that is printed and counted. */
export function skipTest(context: SkippableContext, reason: string): never {
  process.stderr.write(`skipped: ${reason}\n`)
  return context.skip(reason)
}
