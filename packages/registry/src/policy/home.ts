/** The policy that gives an account its own subtree, once it has another name. */
import type { Document } from './document-facts.ts'

/** The same policy for the subtree of one more name. */
export function withHome(document: Document, login: string): Document {
  const { rules } = document as { readonly rules: readonly Record<string, unknown>[] }
  const own = [`/user/${login}`, `/user/${login}/**`]
  return {
    ...document,
    rules: rules.map((rule) => {
      if (rule['id'] !== 'home') return rule
      const resources = rule['resources'] as readonly string[]
      return { ...rule, resources: [...new Set([...resources, ...own])] }
    }),
  }
}
