/** The Secrets API in memory: whole secrets by path, and the answers of HTTP. */
import type { Payload } from './fake-entries.ts'

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const STATUS: Readonly<Record<string, number>> = {
  SECRET_NOT_FOUND: 404,
  FRAGMENT_NOT_FOUND: 404,
  CAS_MISMATCH: 409,
  DESTINATION_EXISTS: 409,
}

export class FakeSecrets {
  /** Versions of a secret, oldest first, by scheme, mount and path. */
  readonly store = new Map<string, Record<string, unknown>[]>()
  /** Answers to give instead, by URI; of `*`, all. */
  readonly answers = new Map<string, Partial<Answer>>()
  /** Called before an answer to a question about a URI. */
  before: (uri: string) => Promise<void> = async () => {}
  /** Queries and bodies as they came. */
  readonly asked: { readonly route: string; readonly query?: string; readonly body?: string }[] = []

  put(path: string, secret: Record<string, unknown>): number {
    const versions = this.store.get(path) ?? []
    versions.push(secret)
    this.store.set(path, versions)
    return versions.length
  }

  async answer({ route, query, body }: Payload): Promise<Answer> {
    this.asked.push({
      route: String(route),
      ...(query === undefined ? {} : { query: String(query) }),
      ...(body === undefined ? {} : { body: String(body) }),
    })
    const parameters = new Map(
      String(query ?? '')
        .split('&')
        .map((pair) => {
          const [name = '', value = ''] = pair.split('=')
          return [name, decodeURIComponent(value)]
        }),
    )
    const members = JSON.parse(String(body ?? '{}')) as Record<string, unknown>
    const uri = String(parameters.get('uri') ?? members['uri'] ?? members['fromUri'] ?? '')
    await this.before(uri)
    const given = this.answers.get(uri) ?? this.answers.get('*')
    if (given !== undefined) return { status: 200, headers: {}, body: '{}', ...given }
    switch (route) {
      case 'value':
        return this.#read(uri, parameters.get('version'))
      case 'write':
      case 'rotate':
        return this.#write(uri, members, route)
      case 'search':
        return this.#search(parameters)
      default:
        return this.#copy(members, route === 'move')
    }
  }

  #read(uri: string, pinned: string | undefined): Answer {
    const { path, key, version } = partsOf(uri)
    const versions = this.store.get(path) ?? []
    const number = Number(pinned ?? version ?? versions.length)
    const secret = versions[number - 1]
    if (secret === undefined) return refused('SECRET_NOT_FOUND')
    if (key !== undefined && !Object.hasOwn(secret, key)) return refused('FRAGMENT_NOT_FOUND')
    return ok({ uri, value: key === undefined ? secret : secret[key], version: number })
  }

  #write(uri: string, { value, cas }: Record<string, unknown>, route: string): Answer {
    const { path, key } = partsOf(uri)
    const versions = this.store.get(path) ?? []
    if (cas !== undefined && cas !== versions.length) return refused('CAS_MISMATCH')
    const whole = key === undefined ? value : { ...versions.at(-1), [key]: value }
    const before = versions.length
    const version = this.put(path, whole as Record<string, unknown>)
    return route === 'write'
      ? ok({ status: 'ok', uri, version })
      : ok({ status: 'rotated', uri, old_version: before || null, new_version: version })
  }

  #copy({ fromUri, toUri, overwrite }: Record<string, unknown>, move: boolean): Answer {
    const from = partsOf(String(fromUri))
    const to = partsOf(String(toUri))
    const source = this.store.get(from.path)?.at(-1)
    if (source === undefined) return refused('SECRET_NOT_FOUND')
    if (this.store.has(to.path) && overwrite !== true) return refused('DESTINATION_EXISTS')
    const version = this.put(to.path, source)
    if (move) this.store.delete(from.path)
    return ok({ status: move ? 'moved' : 'copied', fromUri, toUri, version })
  }

  #search(parameters: ReadonlyMap<string, string>): Answer {
    const prefix = parameters.get('prefix') ?? ''
    const found = [...this.store.keys()]
      .filter((path) => path.startsWith(prefix) && path.includes(parameters.get('q') ?? ''))
      .map((uri) => ({ uri, kind: 'path' }))
    const [offset, limit] = [
      Number(parameters.get('offset') ?? 0),
      Number(parameters.get('limit') ?? 100),
    ]
    return ok({ items: found.slice(offset, offset + limit), total: found.length, offset, limit })
  }
}

function partsOf(uri: string): { path: string; key?: string; version?: string } {
  const [, path = '', key, version] = /^([^#?]*)(?:#([^?]*))?(?:\?version=(.*))?$/.exec(uri) ?? []
  return {
    path,
    ...(key === undefined ? {} : { key }),
    ...(version === undefined ? {} : { version }),
  }
}

const ok = (body: object): Answer => ({ status: 200, headers: {}, body: JSON.stringify(body) })

/** A refusal as the API answers it. */
export function refused(code: string, more: Partial<Answer> & { details?: object } = {}): Answer {
  const { details, ...answer } = more
  const body = { error: 'x', code, message: `text of ${code}`, details, correlation_id: 'c1' }
  return { status: STATUS[code] ?? 400, headers: {}, body: JSON.stringify(body), ...answer }
}
