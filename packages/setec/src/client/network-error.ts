/** Why a server was not reached, without what the platform knows of it: its errors can hold pieces of answers, and those values. */

const CODE = /^[A-Z][A-Z0-9_]{1,63}$/
const DEPTH = 4

/** An error that has the code of another, or of its causes, and nothing else of it. */
export function networkError(thrown: unknown): Error {
  let at = thrown
  for (let depth = 0; at instanceof Error && depth < DEPTH; at = at.cause, depth++) {
    const { code } = at as { readonly code?: unknown }
    if (typeof code === 'string' && CODE.test(code)) {
      return Object.assign(new Error(`the network has failed: ${code}`), { code })
    }
  }
  return new Error('the network has failed')
}
