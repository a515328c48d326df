/**
 * Texts of YAML as nested maps: YAML 1.2, core schema, one document without tags, anchors, aliases, merge keys and
 * directives; keys are texts, and none is given twice (specs: secrets-api §5.2).
 */
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
} from 'yaml'
import type { JsonValue } from '../provider/json-value.ts'
import type { YamlFileFault } from './yaml-file-error.ts'
import { tokenFault, YAML_DEPTH } from './yaml-tokens.ts'

/** A fault of a text, and the line where it is. */
export class YamlTextFault extends Error {
  override readonly name: string = 'YamlTextFault'
  readonly fault: YamlFileFault
  readonly line: number | undefined

  constructor(fault: YamlFileFault, line?: number) {
    super(fault)
    this.fault = fault
    this.line = line
  }
}

/** An object of JSON. */
export type YamlTree = { readonly [name: string]: JsonValue }

/** A text that was read. */
export interface YamlText {
  /** With comments, to be changed and written. */
  readonly document: Document
  /** All that it says; a map where the text says nothing. */
  readonly tree: YamlTree
}

/** The lexer marks with control characters what it has found; a text must not have them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f]/
/** What becomes of the parser's errors; all others are of syntax. */
const FAULTS: Readonly<Record<string, YamlFileFault>> = Object.freeze({
  MULTIPLE_DOCS: 'FORBIDDEN',
})

/**
 * Read a text.
 *
 * @throws YamlTextFault, and nothing else
 */
export function readYaml(text: string): YamlText {
  try {
    const control = text.search(CONTROL)
    if (control >= 0) throw new YamlTextFault('SYNTAX', lineAt(text, control))
    const found = tokenFault(text)
    if (found !== undefined) {
      const fault = found.kind === 'forbidden' ? 'FORBIDDEN' : 'SYNTAX'
      throw new YamlTextFault(fault, lineAt(text, found.offset))
    }
    const lineCounter = new LineCounter()
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      stringKeys: true,
      // It compares each with all others; whoever reads the nodes looks.
      uniqueKeys: false,
      intAsBigInt: true,
      strict: true,
      // Its messages quote the text otherwise.
      prettyErrors: false,
      // Less, and a second document would be passed over without an error.
      logLevel: 'error',
      lineCounter,
    })
    const [error] = [...document.errors, ...document.warnings]
    if (error !== undefined) {
      throw new YamlTextFault(
        FAULTS[error.code] ?? 'SYNTAX',
        lineCounter.linePos(error.pos[0]).line,
      )
    }
    const lineOf = (node: ParsedNode): number => lineCounter.linePos(node.range[0]).line
    return { document, tree: treeOf(document.contents, lineOf) }
  } catch (error) {
    if (error instanceof YamlTextFault) throw error
    // What a parser says may quote the text.
    throw new YamlTextFault('SYNTAX')
  }
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

type LineOf = (node: ParsedNode) => number

function treeOf(contents: ParsedNode | null, lineOf: LineOf): YamlTree {
  if (contents === null || (isScalar(contents) && contents.value === null)) return {}
  if (!isMap(contents)) throw new YamlTextFault('NOT_A_MAP', lineOf(contents))
  return jsonOf(contents, lineOf, 1) as YamlTree
}

function jsonOf(node: ParsedNode | null, lineOf: LineOf, depth: number): JsonValue {
  if (node === null) return null
  if (depth > YAML_DEPTH && !isScalar(node)) throw new YamlTextFault('SYNTAX', lineOf(node))
  if (isMap(node)) {
    const names = new Set<string>()
    const members = node.items.map(({ key, value }): [string, JsonValue] => {
      const name = isScalar(key) ? key.value : undefined
      if (typeof name !== 'string' || !isWellFormed(name)) {
        throw new YamlTextFault('VALUE', lineOf(key))
      }
      if (name === '<<') throw new YamlTextFault('FORBIDDEN', lineOf(key))
      if (names.has(name)) throw new YamlTextFault('DUPLICATE_KEY', lineOf(key))
      names.add(name)
      return [name, jsonOf(value, lineOf, depth + 1)]
    })
    return Object.fromEntries(members)
  }
  if (isSeq(node)) return node.items.map((item) => jsonOf(item, lineOf, depth + 1))
  const value = isScalar(node) ? scalarOf(node.value) : undefined
  if (value === undefined) throw new YamlTextFault('VALUE', lineOf(node))
  return value
}

/** Undefined for what JSON cannot hold, or would round. */
function scalarOf(value: unknown): string | number | boolean | null | undefined {
  if (typeof value === 'string') return isWellFormed(value) ? value : undefined
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : undefined
  }
  // Zero has no sign in JSON.
  if (typeof value === 'number') return Number.isFinite(value) ? value || 0 : undefined
  return typeof value === 'boolean' || value === null ? value : undefined
}

const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)
