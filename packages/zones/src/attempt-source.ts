/** Where an attempt to log in comes from, as something that can be counted. */
import { isUid } from './uid.ts'

/** A source of attempts. */
export interface AttemptSource {
  /** Whether the kernel vouches for it. Such a source is touched by its own failures only. */
  readonly kernel: boolean
  /** Name under which it is counted, at most 90 characters. */
  readonly key: string
}

/** A local peer, by the uid that the kernel reported. */
export function sourceOfUid(uid: number): AttemptSource {
  if (!isUid(uid)) throw new RangeError('uid: expected an id that the kernel reported')
  return Object.freeze({ kernel: true, key: `uid:${uid}` })
}

/**
 * A remote peer, by its address. An IPv6 address counts as its /64, of which everybody has 2^64 addresses to himself
 * (RFC 4291 section 2.5.1); an IPv4-mapped one as its IPv4 address (section 2.5.5.2). A zone index
 * (RFC 4007 section 11) stays. Whatever is no address counts as written, cut to 64 characters.
 */
export function sourceOfAddress(address: string): AttemptSource {
  const text = address.slice(0, 64).toLowerCase()
  const percent = text.indexOf('%')
  const zone = percent < 0 ? '' : text.slice(percent)
  const groups = ipv6Groups(percent < 0 ? text : text.slice(0, percent))
  if (groups === undefined) return Object.freeze({ kernel: false, key: `addr:${text}` })
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const ipv4 = groups.slice(6).flatMap((group) => [group >> 8, group & 0xff])
    return Object.freeze({ kernel: false, key: `addr:${ipv4.join('.')}` })
  }
  const prefix = groups.slice(0, 4).map((group) => group.toString(16))
  return Object.freeze({ kernel: false, key: `addr:${prefix.join(':')}::/64${zone}` })
}

/** The eight groups of an IPv6 address (RFC 4291 section 2.2), or undefined. */
function ipv6Groups(text: string): number[] | undefined {
  const dotted = /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  let plain = text
  if (dotted !== null) {
    const bytes = dotted.slice(2).map(Number)
    if (bytes.some((byte) => byte > 255)) return undefined
    const [p, q, r, s] = bytes as [number, number, number, number]
    plain = `${dotted[1]}${((p << 8) | q).toString(16)}:${((r << 8) | s).toString(16)}`
  }
  const halves = plain.split('::')
  if (halves.length > 2 || !plain.includes(':')) return undefined
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')))
  if (head === undefined) return undefined
  const missing = 8 - head.length - (tail?.length ?? 0)
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const all = [...head, ...Array<string>(missing).fill('0'), ...(tail ?? [])]
  if (!all.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return undefined
  return all.map((group) => Number.parseInt(group, 16))
}
