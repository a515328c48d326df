/**
 * Addresses and ranges: IPv4 dotted decimal without leading zeros, IPv6 as RFC 4291 §2.2, CIDR as RFC 4632 and
 * RFC 4291 §2.3. An IPv4-mapped address (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2) is its IPv4 address.
 */

/** An address: one 32-bit word (IPv4) or four (IPv6), most significant first. */
export type Address = readonly [number] | readonly [number, number, number, number]

/** A range of addresses. */
export interface AddressRange {
  readonly address: Address
  /** Leading bits that must be equal: 0 to 32, or 0 to 128. */
  readonly bits: number
}

const OCTET = /^(?:0|[1-9]\d{0,2})$/
const GROUP = /^[0-9a-fA-F]{1,4}$/
const PREFIX = /^(?:0|[1-9]\d{0,2})$/
/** Longest text of an IPv6 address (`INET6_ADDRSTRLEN` less its terminator). */
const MAX_ADDRESS_LENGTH = 45

/** Parse an address; `undefined` if the text is not one. */
export function parseAddress(text: string): Address | undefined {
  if (text.length > MAX_ADDRESS_LENGTH) return undefined
  if (!text.includes(':')) {
    const word = parseV4(text)
    return word === undefined ? undefined : [word]
  }
  const words = parseV6(text)
  if (words === undefined) return undefined
  return isMapped(words) ? [words[3]] : words
}

/** Parse an address or CIDR range, or say in words why the text is not one. */
export function parseRange(text: string): AddressRange | string {
  const slash = text.indexOf('/')
  const addressText = slash === -1 ? text : text.slice(0, slash)
  const address = parseAddress(addressText)
  if (address === undefined) return 'is not an IPv4 or IPv6 address or CIDR range'
  const mapped = address.length === 1 && addressText.includes(':')
  let bits = address.length * 32
  if (slash !== -1) {
    const prefix = text.slice(slash + 1)
    if (!PREFIX.test(prefix)) return 'has a prefix length that is not a number'
    bits = Number(prefix) - (mapped ? 96 : 0)
    if (bits < 0 || bits > address.length * 32) return 'has a prefix length out of range'
  }
  if (!hasZeroTail(address, bits)) return 'has bits set beyond its prefix length'
  return { address, bits }
}

/** Tell whether an address lies in a range. Addresses of the other family never do. */
export function inRange(address: Address, range: AddressRange): boolean {
  if (address.length !== range.address.length) return false
  for (let word = 0, left = range.bits; left > 0; word++, left -= 32) {
    const different = (address[word] ?? 0) ^ (range.address[word] ?? 0)
    if ((left >= 32 ? different : different >>> (32 - left)) !== 0) return false
  }
  return true
}

function parseV4(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let word = 0
  for (const part of parts) {
    const octet = OCTET.test(part) ? Number(part) : 256
    if (octet > 255) return undefined
    word = word * 256 + octet
  }
  return word
}

function parseV6(text: string): readonly [number, number, number, number] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const compressed = halves.length === 2
  const before = parseGroups(halves[0] ?? '', !compressed)
  const after = parseGroups(halves[1] ?? '', true)
  if (before === undefined || after === undefined) return undefined
  const missing = 8 - before.length - after.length
  // `::` stands for one group of zeros or more (RFC 4291 §2.2).
  if (compressed ? missing < 1 : missing !== 0) return undefined
  const groups = [...before, ...new Array<number>(missing).fill(0), ...after]
  const word = (at: number): number => (groups[at] ?? 0) * 0x10000 + (groups[at + 1] ?? 0)
  return [word(0), word(2), word(4), word(6)]
}

/** Groups of one side of `::`; dotted decimal may only end the whole address. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (last && index === parts.length - 1 && part.includes('.')) {
      const word = parseV4(part)
      if (word === undefined) return undefined
      groups.push(Math.floor(word / 0x10000), word % 0x10000)
    } else if (GROUP.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

function isMapped(words: readonly [number, number, number, number]): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff
}

function hasZeroTail(address: Address, bits: number): boolean {
  return address.every((word, index) => {
    const kept = Math.min(32, Math.max(0, bits - index * 32))
    return kept === 32 || (kept === 0 ? word === 0 : (word << kept) >>> 0 === 0)
  })
}
