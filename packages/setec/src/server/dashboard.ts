/**
 * The page that setec's server shows at its root (specs/setec.md §1.6): names and versions of the secrets whose metadata
 * the caller may read, never a value. It is one listing, like any other.
 */
import type { SecretInfo } from '../api/secret.ts'
import { refuse, type SetecAnswer } from './answer.ts'
import { byName } from './encode-answer.ts'
import type { SetecPort } from './port.ts'
import { isPassing, refusalOf, UNIDENTIFIED } from './refusal.ts'

/**
 * Answer `GET /`. Never fails.
 *
 * @param identify - as of `serveSetec`
 */
export async function serveDashboard(identify: () => Promise<SetecPort>): Promise<SetecAnswer> {
  let port: SetecPort
  try {
    port = await identify()
  } catch (error) {
    const told = refusalOf(error)
    return refuse(isPassing(told) ? told : UNIDENTIFIED, error)
  }
  try {
    const body = pageOf(await port.list())
    return { status: 200, contentType: 'text/html; charset=utf-8', body, nosniff: true }
  } catch (error) {
    return refuse(refusalOf(error), error)
  }
}

function pageOf(secrets: readonly SecretInfo[]): string {
  const rows = [...secrets].sort(byName).map(rowOf).join('')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Secrets</title></head>
<body><h1>Secrets</h1>
<table><thead><tr><th>Name</th><th>Versions</th></tr></thead><tbody>
${rows}</tbody></table></body></html>
`
}

function rowOf({ Name, Versions, ActiveVersion }: SecretInfo): string {
  const versions = Versions.map((version) =>
    version === ActiveVersion ? `<strong>${version}</strong>` : String(version),
  )
  return `<tr><td>${escaped(Name)}</td><td>${versions.join(', ')}</td></tr>\n`
}

const ENTITIES: Readonly<Record<string, string>> = Object.freeze({
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
})

/** A name is any text: what is not printed, or turns what is printed around, is shown by its number. */
function escaped(name: string): string {
  return name
    .replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
    .replace(/[\p{C}\u2028\u2029]/gu, (character) => {
      return `\\u{${(character.codePointAt(0) as number).toString(16)}}`
    })
}
