/**
 * What KV v2 says with a word of its API and a capability, and what that is here (specs/kv2.md §1.4, §3; DESIGN §7):
 * (word, capability) ⇄ (action, entry path), where entry `MOUNT/a/b` is API path `APIMOUNT/WORD/a/b`.
 */

import { ACTIONS, type Action } from '../../action.ts'

/** A word of the KV v2 API after the mount. */
export type VaultWord =
  | 'data'
  | 'metadata'
  | 'detailed-metadata'
  | 'delete'
  | 'undelete'
  | 'destroy'
  | 'subkeys'
  | 'config'

/** What a request does, as the capability that it needs. */
export type VaultOperation = 'create' | 'read' | 'update' | 'patch' | 'delete' | 'list' | 'scan'

/** A capability of a Vault policy. */
export type VaultCapability = VaultOperation | 'sudo' | 'deny'

/** Actions by capability of one word. */
type ActionsByOperation = Readonly<Record<VaultOperation, readonly Action[]>>

const NOTHING: ActionsByOperation = Object.freeze({
  create: [],
  read: [],
  update: [],
  patch: [],
  delete: [],
  list: [],
  scan: [],
})

/** Every pair of word and capability, with the actions that it stands for. `config` is asked on the mount itself. */
export const VAULT_ACTIONS: Readonly<Record<VaultWord, ActionsByOperation>> = Object.freeze({
  data: {
    create: ['create'],
    read: ['read', 'decrypt', 'watch'],
    // To activate an older version is to write what it holds.
    update: ['update', 'activate'],
    patch: ['patch'],
    delete: ['delete'],
    list: [],
    scan: [],
  },
  metadata: {
    create: ['write-metadata'],
    read: ['read-metadata'],
    update: ['write-metadata'],
    patch: ['write-metadata'],
    delete: ['purge'],
    list: ['list'],
    scan: ['list'],
  },
  'detailed-metadata': { ...NOTHING, list: ['list'], scan: ['list'] },
  // These three and `config` have no check of existence: they need update, never create (specs/kv2.md §1.4).
  delete: { ...NOTHING, update: ['delete'] },
  undelete: { ...NOTHING, update: ['undelete'] },
  destroy: { ...NOTHING, update: ['destroy'] },
  // The structure of a value cannot be read without the value.
  subkeys: { ...NOTHING, read: ['read', 'decrypt'] },
  config: { ...NOTHING, read: ['read-metadata'], update: ['mount'] },
})

/** The word that stands for an action where a door says none. Without an operation it can only deny. */
export interface CanonicalWord {
  readonly word: VaultWord
  readonly operation?: VaultOperation
}

/** By action, the word and capability that grant it through doors that do not speak KV v2. */
export const CANONICAL_WORDS: Readonly<Record<Action, CanonicalWord | undefined>> = Object.freeze({
  list: { word: 'metadata', operation: 'list' },
  'read-metadata': { word: 'metadata', operation: 'read' },
  read: { word: 'data', operation: 'read' },
  decrypt: { word: 'data', operation: 'read' },
  'use-internal': { word: 'data' },
  watch: { word: 'data', operation: 'read' },
  create: { word: 'data', operation: 'create' },
  update: { word: 'data', operation: 'update' },
  patch: { word: 'data', operation: 'patch' },
  // Makes an entry or changes one, so neither capability is enough.
  'create-version': { word: 'data' },
  activate: { word: 'data', operation: 'update' },
  delete: { word: 'data', operation: 'delete' },
  undelete: { word: 'undelete', operation: 'update' },
  destroy: { word: 'destroy', operation: 'update' },
  purge: { word: 'metadata', operation: 'delete' },
  // Of an entry that exists; create and patch count where the door says that it is one of them.
  'write-metadata': { word: 'metadata', operation: 'update' },
  grant: { word: 'metadata' },
  account: undefined,
  policy: undefined,
  'policy-read': undefined,
  mount: { word: 'config', operation: 'update' },
  'audit-read': undefined,
  seal: undefined,
  rotate: undefined,
  backup: undefined,
  export: { word: 'data' },
})

/** Every word, in the order of the table. */
export const VAULT_WORDS: readonly VaultWord[] = Object.freeze(
  Object.keys(VAULT_ACTIONS) as VaultWord[],
)

/** Of several operations of one word that stand for an action, the first of these counts if the door names none. */
const PRIMARY: readonly VaultOperation[] = [
  'read',
  'list',
  'update',
  'create',
  'patch',
  'delete',
  'scan',
]

/** The operation that an action is, said through a word. */
export function operationOf(word: VaultWord, action: Action): VaultOperation | undefined {
  return PRIMARY.find((operation) => VAULT_ACTIONS[word][operation].includes(action))
}

/** Words that stand for an action, whose denies count whatever the door: the canonical one among them. */
export const WORDS_OF_ACTION: ReadonlyMap<Action, readonly VaultWord[]> = new Map(
  ACTIONS.map((action) => [
    action,
    VAULT_WORDS.filter((word) => {
      return CANONICAL_WORDS[action]?.word === word || operationOf(word, action) !== undefined
    }),
  ]),
)
