import { formatPolicyToml, PolicyTextError, parsePolicyText } from '@secreg/policy-text'

const text = `
id = "web"

[[rules]]
id = "read"
effect = "allow"
actions = [
  "read",
  "lst",
]
`
const { document, locate } = parsePolicyText(text, { format: 'toml', name: 'web.toml' })

// What the policy engine says of the document is a JSON Pointer: here `lst`, which is no action.
export const place = locate('/rules/0/actions/1')
console.log(JSON.stringify(document).length, place)
// 78 { line: 9, column: 3 }

// A text that does not parse has its place in its error.
export let mistake = ''
try {
  parsePolicyText('{\n  "id": "web",\n  "id": "db"\n}', { format: 'json', name: 'web.json' })
} catch (error) {
  if (!PolicyTextError.is(error)) throw error
  mistake = `${error.code} ${error.message}`
}
console.log(mistake)
// ERR_POLICY_TEXT_DUPLICATE web.json:3:3: a name that is given twice

// A policy of Vault is an item of `policies` in a document with `"source": "vault"`.
const hcl = 'path "secret/data/ci/*" {\n  capabilities = ["read"] # and no more\n}'
export const vault = parsePolicyText(hcl, { format: 'hcl' }).document
console.log(JSON.stringify(vault))
// {"path":{"secret/data/ci/*":{"capabilities":["read"]}}}

export const toml: string = formatPolicyToml({ id: 'web', description: 'who reads' })
console.log(toml)
// id = "web"
// description = "who reads"
