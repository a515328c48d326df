/** Transactions of the model: compare, then do the one or the other (`entry-messages.ts`). */
import type { RequestOf, ValueType } from '@secreg/protocol'
import type { ModelDraft } from './model-draft.ts'
import { activeOf, isLive, type Life, latestOf, Refusal, revisionOf } from './model-life.ts'

type Request = RequestOf<'txn'>
type Comparison = NonNullable<Request['compare']>[number]
type Operation = NonNullable<Request['then']>[number]

interface Tools {
  set(draft: ModelDraft, request: RequestOf<'set'>): number
  typedOf(request: Pick<RequestOf<'set'>, 'value' | 'type'>): { type: ValueType; text: string }
}

export function transactionOf({ set, typedOf }: Tools) {
  return (draft: ModelDraft, request: Request): unknown => {
    draft.action = 'transaction'
    const { compare = [], then = [], else: otherwise = [] } = request
    for (const branch of [then, otherwise]) {
      const writes = branch.filter(({ op }) => op !== 'get').map(({ key }) => key)
      if (new Set(writes).size < writes.length) throw new Refusal('INVALID_ARGUMENT')
    }
    draft.paths = [
      ...new Set([...compare, ...then, ...otherwise].map(({ key }: { key: string }) => key)),
    ]
    const succeeded = compare.map((asked) => holds(draft, asked)).every((is) => is)
    const branch = succeeded ? then : otherwise
    // Reads see the state before, whatever the branch writes.
    const found = branch.map((each) => (each.op === 'get' ? read(draft, each) : undefined))
    const versions: number[] = []
    const results = branch.map((each, index) => {
      if (each.op === 'get') return { op: 'get', found: found[index] }
      if (each.op === 'set') {
        const version = set(draft, each)
        versions.push(version)
        return { op: 'set', version }
      }
      draft.require('delete', each.key)
      const life = draft.life(each.key)
      if (!isLive(life, draft.now)) return { op: 'delete', deleted: 0 }
      draft.delete(life)
      return { op: 'delete', deleted: 1 }
    })
    if (versions.length > 0) draft.versions = versions
    return { succeeded, revision: draft.revision, results }
  }

  function holds(draft: ModelDraft, asked: Comparison): boolean {
    const life = draft.life(asked.key)
    if ('value' in asked) {
      draft.require('read', asked.key)
      if (life !== undefined) draft.requireValue(asked.key, activeOf(life).encrypted, life)
      const { type, text } = typedOf(asked)
      const equal =
        isLive(life, draft.now) && activeOf(life).type === type && activeOf(life).text === text
      return equal === (asked.is !== '!=')
    }
    draft.require('read-metadata', asked.key)
    if ('absent' in asked) return asked.absent !== isLive(life, draft.now)
    const [have, want] =
      'revision' in asked
        ? [revisionOf(life, draft.now), asked.revision]
        : [latestOf(life), asked.version]
    switch (asked.is ?? '=') {
      case '=':
        return have === want
      case '!=':
        return have !== want
      case '<':
        return have < want
      case '>':
        return have > want
    }
  }
}

function read(draft: ModelDraft, { key, decrypt }: Extract<Operation, { op: 'get' }>): unknown {
  draft.require('read', key)
  if (!draft.isLive(key)) return null
  const life = draft.life(key) as Life
  const { type, encrypted, text } = activeOf(life)
  const wanted = !encrypted || decrypt === true
  if (wanted) draft.requireValue(key, encrypted, life)
  const { active: version, revision } = life
  return { value: wanted ? text : null, type, encrypted, version, modify_revision: revision }
}
