/** Names of accounts, groups, roles and zones, and the ids that policies are bound to (DESIGN §7). */
import type { Engine } from '@secreg/storage'
import {
  type Account,
  decodeZone,
  existsNamed,
  normalizeLogin,
  type RowView,
  readAccount,
  readAccountByLogin,
  readZone,
  ZONE_SPACE,
} from '@secreg/zones'
import { GroupView } from '../group-view.ts'
import { rowViewOf } from '../row-view.ts'

/** Looks names up in one state of the store. */
export class Directory {
  readonly #rows: RowView
  readonly #zones: ReadonlyMap<string, string>

  /**
   * @param zones - names of zones by their ids; only to show a document, not to bind it
   */
  constructor(rows: RowView, zones: ReadonlyMap<string, string> = new Map()) {
    this.#rows = rows
    this.#zones = zones
  }

  /** A directory of the present state, which also knows zones by their ids. */
  static async open(engine: Engine): Promise<Directory> {
    const zones = new Map<string, string>()
    for await (const row of engine.iterate(ZONE_SPACE)) {
      const { id, name } = decodeZone(row.value, row.key.slice(ZONE_SPACE.gte.length))
      zones.set(id, name)
    }
    return new Directory(rowViewOf(new GroupView(engine)), zones)
  }

  /** The account that has a login now. */
  accountOf(login: string): Account | undefined {
    const name = normalizeLogin(login)
    return name === undefined ? undefined : readAccountByLogin(this.#rows, name)
  }

  /** Login of an account, while there is one. */
  loginOf(accountId: string): string | undefined {
    return readAccount(this.#rows, accountId)?.login
  }

  /** Whether there is a group or role of a name. */
  has(kind: 'group' | 'role', name: string): boolean {
    return existsNamed(this.#rows, kind, name)
  }

  zoneIdOf(name: string): string | undefined {
    return readZone(this.#rows, name)?.id
  }

  zoneNameOf(id: string): string | undefined {
    return this.#zones.get(id)
  }
}
