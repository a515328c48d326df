/** Namespaces, each with its mounts. */
import type { Fields } from './fields.ts'
import { callMount, type Mount, newMount, type Operation } from './mount.ts'
import { DONE, Refusal, type Reply } from './refusal.ts'

/** The mounts of one namespace. */
export class Mounts {
  readonly #mounts = new Map<string, Mount>([['secret/', newMount()]])

  /** @param path - after `/v1/`, decoded */
  call(operation: Operation, path: string, fields: Fields, now: bigint): Reply {
    if (path.startsWith('sys/mounts/')) return this.#admin(operation, path.slice(11))
    for (const [name, mount] of this.#mounts) {
      if (path.startsWith(name)) {
        return callMount(mount, operation, path.slice(name.length), fields, now)
      }
    }
    throw new Refusal(404, `no handler for route "${path}". route entry not found.`)
  }

  #admin(operation: Operation, name: string): Reply {
    const path = `${name}/`
    if (operation === 'write') {
      if (this.#mounts.has(path)) throw new Refusal(400, `path is already in use at ${path}`)
      this.#mounts.set(path, newMount())
    } else if (operation === 'delete') this.#mounts.delete(path)
    else throw new Refusal(405)
    return DONE
  }
}

export class Namespaces {
  readonly #root = new Mounts()
  readonly #named: ReadonlyMap<string, Mounts>

  constructor(names: readonly string[]) {
    this.#named = new Map(names.map((name) => [name, new Mounts()]))
  }

  /** @throws Refusal 404 */
  find(name: string | undefined): Mounts {
    const mounts = name === undefined ? this.#root : this.#named.get(name.replace(/\/$/, ''))
    if (mounts === undefined) throw new Refusal(404, 'namespace not found')
    return mounts
  }
}
