import { describe, expect, test } from 'vitest'
import { Automaton, type Start, type State } from '../src/automaton.ts'
import { parsePattern } from '../src/pattern.ts'
import type { Rule } from '../src/rule.ts'
import { TrieEdit, type TrieNode, TrieNumbers } from '../src/trie.ts'

const RULE: Rule = {
  name: 'p/r',
  index: 0,
  effect: 'allow',
  principals: ['*'],
  actions: ['read'],
  actionMask: 4,
  resources: [],
  when: [],
  unless: [],
  obligations: undefined,
}

function trieOf(edit: TrieEdit, patterns: readonly string[]): TrieNode {
  let root: TrieNode | undefined
  for (const text of patterns) {
    const pattern = parsePattern(text)
    if (typeof pattern === 'string') throw new Error(pattern)
    root = edit.insert(root, pattern, { ...RULE, name: text })
  }
  if (root === undefined) throw new Error('no patterns')
  return root
}

const namesAt = (state: State): string[] =>
  state.members.flatMap((node) => node.rules.map(({ name }) => name)).sort()

describe('Automaton', () => {
  test('lets go of every state when it drops them', () => {
    const root = trieOf(new TrieEdit(new TrieNumbers()), ['/a/**'])
    const start: Start = { roots: [root], state: undefined }
    const automaton = new Automaton(100)
    const first = automaton.begin(start)
    expect(automaton.begin(start)).toBe(first)
    automaton.charge(1000)
    expect(start.state).toBeUndefined()
    expect(automaton.begin(start)).not.toBe(first)
  })

  test('comes to the same state on every way to the same nodes', () => {
    const edit = new TrieEdit(new TrieNumbers())
    const roots = [
      trieOf(edit, ['/*/x', '/a*/y', '/*b/y', '/**']),
      trieOf(edit, ['/ab/*', '/ac/**', '/*/x']),
    ]
    const automaton = new Automaton(10_000)
    const start = automaton.begin({ roots, state: undefined })
    const at = (path: string): State => automaton.walk(start, path)
    expect(at('/ab')).toBe(at('/ab'))
    expect(at('/q')).toBe(at('/r'))
    expect(at('/axb')).toBe(at('/ayb'))
    expect(at('/q/x')).toBe(at('/r/x'))
    expect(at('/q/x/1/2')).toBe(at('/r/x/3'))
    expect(namesAt(at('/ab/x'))).toEqual(['/**', '/*/x', '/*/x', '/ab/*'])
    expect(namesAt(at('/ab/y'))).toEqual(['/**', '/*b/y', '/a*/y', '/ab/*'])
    expect(namesAt(at('/ac/y/z'))).toEqual(['/**', '/ac/**'])
  })

  test('has no node twice in a state', () => {
    const edit = new TrieEdit(new TrieNumbers())
    const root = trieOf(edit, ['/*a*/x/**', '/*aa*/x/**', '/a*a/**', '/**', '/*/x/**', '/*/*/**'])
    const automaton = new Automaton(10_000)
    const start = automaton.begin({ roots: [root], state: undefined })
    for (const path of ['/aaaa', '/aaaa/x', '/aaaa/x/y', '/aaaa/x/y/z', '/q/x/y/z/a']) {
      const { members } = automaton.walk(start, path)
      expect(new Set(members).size).toBe(members.length)
    }
  })

  test('knows literals of many tries before and after it merged them', () => {
    const edit = new TrieEdit(new TrieNumbers())
    const roots = Array.from({ length: 6 }, (_, trie) =>
      trieOf(
        edit,
        Array.from({ length: 5 }, (_, key) => `/k${trie}-${key}`),
      ),
    )
    const automaton = new Automaton(10_000)
    const start = automaton.begin({ roots, state: undefined })
    for (let round = 0; round < 200; round++) {
      expect(namesAt(automaton.walk(start, `/none-${round}`))).toEqual([])
      const path = `/k${round % 6}-${Math.floor(round / 40)}`
      expect(namesAt(automaton.walk(start, path))).toEqual([path])
    }
    expect(start.branches?.merged?.size).toBe(30)
  })
})
