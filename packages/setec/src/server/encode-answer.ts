/** Answers as Go's `encoding/json` writes them: compact, and safe to stand in HTML. */
import type { SecretInfo } from '../api/secret.ts'
import type { PortValue } from './port.ts'

const ESCAPED: Readonly<Record<string, string>> = Object.freeze({
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
})

export function encodeValue({ base64, version }: PortValue): string {
  return `{"Value":"${base64}","Version":${version}}`
}

export function encodeInfo({ Name, Versions, ActiveVersion }: SecretInfo): string {
  return `{"Name":${encodeText(Name)},"Versions":[${Versions.join(',')}],"ActiveVersion":${ActiveVersion}}`
}

/** Sorted by the bytes of the names in UTF-8; `null` when there is nothing. */
export function encodeList(secrets: readonly SecretInfo[]): string {
  if (secrets.length === 0) return 'null'
  return `[${[...secrets].sort(byName).map(encodeInfo).join(',')}]`
}

/** Order of secrets by the bytes of their names in UTF-8. */
export function byName(a: SecretInfo, b: SecretInfo): number {
  return compareUtf8(a.Name, b.Name)
}

function encodeText(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => ESCAPED[character] as string,
  )
}

/** Order of two texts by their bytes in UTF-8. */
function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** In UTF-8, what UTF-16 has as surrogates comes last. */
function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800
  return unit >= 0xd800 ? unit + 0x2000 : unit
}
