/** Lists of names, of which everybody sees his own part: specs secrets-api §2.5, E6 and E11. */
import { SecretsApiError } from '../errors.ts'
import {
  listSecrets,
  MAX_SEARCH_LENGTH,
  pageOf,
  type SecretSearchItem,
  searchSecrets,
} from '../operations/list-secrets.ts'
import type { SecretPrefix } from '../uri/secret-uri.ts'
import type { PageRange } from './request-fields.ts'
import type { Task } from './task.ts'

/** E6. */
export function listTask(
  read: () => { readonly prefix: SecretPrefix; readonly range: PageRange },
): Task {
  return {
    on: 'listing',
    operation: 'list',
    prepare() {
      const { prefix, range } = read()
      return {
        target: { prefixes: [prefix] },
        async run({ provider, call, show }) {
          const all = await listSecrets(provider(prefix.provider), prefix, call)
          const { items, ...rest } = pageOf(await show(all, ({ uri }) => uri), ...both(range))
          const shown = items.map(({ uri, keys }) => ({ uri: uri.canonical, keys }))
          return { body: { items: shown, ...rest }, facts: {} }
        },
      }
    },
  }
}

/** E11. @param read - where to search, at least one place, and for what */
export function searchTask(
  read: () => {
    readonly text: string
    readonly prefixes: readonly SecretPrefix[]
    readonly range: PageRange
  },
): Task {
  return {
    on: 'listing',
    operation: 'search',
    prepare() {
      const { text, prefixes, range } = read()
      if (prefixes.length === 0 || text === '' || text.length > MAX_SEARCH_LENGTH) {
        throw new SecretsApiError('INVALID_REQUEST')
      }
      return {
        target: { prefixes },
        async run({ provider, call, show }) {
          const all: SecretSearchItem[] = []
          for (const prefix of prefixes) {
            all.push(...(await searchSecrets(provider(prefix.provider), prefix, text, call)))
          }
          const { items, ...rest } = pageOf(await show(all, ({ uri }) => uri), ...both(range))
          const shown = items.map(({ uri, kind }) => ({ uri: uri.canonical, kind }))
          return { body: { items: shown, ...rest }, facts: {} }
        },
      }
    },
  }
}

const both = ({ offset, limit }: PageRange): [number, number] => [offset, limit]
