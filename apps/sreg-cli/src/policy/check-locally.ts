/** Policies checked here before they are sent, so that a mistake has a line and a column. The daemon has the last word. */
import type { CliError } from '../errors.ts'

/** What is said about a mistake in a document. */
export type Mistake = (pointer: string, message: string) => CliError

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
