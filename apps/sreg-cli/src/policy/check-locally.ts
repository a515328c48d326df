/** Policies checked here before they are sent, so that a mistake has a line and a column. The daemon has the last word. */
import { type Reason, SecregError } from '@secreg/protocol'
import type { CliError } from '../errors.ts'

/** What is said about a mistake in a document. */
export type Mistake = (pointer: string, message: string, reason?: Reason) => CliError

/** Say where in its file a document is wrong, when only the daemon could tell that it is. */
export async function placed<T>(mistake: Mistake | undefined, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (mistake === undefined || !SecregError.is(error) || error.pointer === undefined) throw error
    throw mistake(error.pointer, error.message, error.reason)
  }
}

/**
 * Check documents by themselves.
 *
 * @param mistake - makes the error; its pointer begins with the index of the document
 * @throws what `mistake` makes
 */
export async function checkLocally(
  documents: readonly Readonly<Record<string, unknown>>[],
  mistake: Mistake,
): Promise<void> {
  const { compile, PolicyError } = await import('@secreg/policy-engine')
  try {
    compile(documents)
  } catch (error) {
    if (!PolicyError.is(error)) throw error
    throw mistake(`/${error.documentIndex}${error.pointer}`, error.message)
  }
}

/** Drop the first part of a pointer. */
export function withoutFirst(pointer: string): string {
  return pointer.replace(/^\/[^/]*/, '')
}
