/** Steps that were recorded from setec's own server, run in process; see `../vectors/README.md`. */
import { readFileSync } from 'node:fs'
import { type SetecRule, setecAcl, setecRules } from '@secreg/policy-engine'
import { type SetecAnswer, type SetecPort, serveSetec } from '@secreg/setec/server'
import { memorySetec } from '../../src/server/memory-port.ts'
import { DECIDED } from './decided.ts'

interface Step {
  readonly id: string
  readonly op?: 'restart' | 'audit'
  readonly level?: 'contract' | 'compat' | 'quirk'
  readonly as?: string
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string | null>>
  readonly body?: string
  readonly body_b64?: string
  readonly accept?: string
  readonly expect: {
    readonly status: number
    readonly body?: string
    readonly content_type?: string
    readonly location?: string
  }
}

interface Identity {
  readonly id: string
  readonly whois?: 'fails'
  readonly user?: string
  readonly tags?: readonly string[]
  readonly caps?: unknown
}

/** Whom setec's server has identified, with the rules that its capabilities are. */
export interface Identified {
  readonly id: string
  readonly rules: readonly SetecRule[]
}

/** Secrets that start empty, as somebody sees them. */
export type Site = (who: Identified) => SetecPort | Promise<SetecPort>

/** Secrets in memory. */
export function memorySite(): Site {
  const database = memorySetec()
  return ({ rules }) => {
    const acl = setecAcl(rules)
    return database.portFor((action, name) => acl.allows(action, name))
  }
}

const linesOf = <T>(file: string): T[] =>
  readFileSync(new URL(`../vectors/${file}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T)

const IDENTITIES = new Map(linesOf<Identity>('identities.jsonl').map((one) => [one.id, one]))

/** Steps by group, in their order. */
export const GROUPS: ReadonlyMap<string, readonly Step[]> = grouped(linesOf<Step>('cases.jsonl'))

function grouped(steps: readonly Step[]): Map<string, Step[]> {
  const groups = new Map<string, Step[]>()
  for (const step of steps) {
    const group = step.id.slice(0, step.id.lastIndexOf('#'))
    groups.set(group, [...(groups.get(group) ?? []), step])
  }
  return groups
}

/** What is told otherwise on purpose, of the steps of a group. */
export function decided(steps: readonly Step[]): Record<string, string> {
  const told = steps.flatMap(({ id }) => {
    const answer = DECIDED[id]?.[0]
    return answer === undefined ? [] : [[id, answer]]
  })
  return Object.fromEntries(told)
}

/** What is not the same as it was recorded, by the id of the step. */
export async function differences(
  steps: readonly Step[],
  site: Site,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const step of steps) {
    if (step.op !== undefined) continue
    const difference = compare(step, await answerOf(step, site))
    if (difference !== undefined) found[step.id] = difference
  }
  return found
}

function answerOf(step: Step, site: Site): Promise<SetecAnswer> {
  const headers = new Map<string, string | null>([
    ['content-type', 'application/json'],
    ['sec-x-tailscale-no-browsers', 'setec'],
    ...Object.entries(step.headers ?? {}).map(
      ([name, value]) => [name.toLowerCase(), value] as const,
    ),
  ])
  const { method = 'POST', path, as = 'super' } = step
  const head = {
    method,
    path: path.split('?')[0] as string,
    contentType: headers.get('content-type') ?? undefined,
    guard: headers.get('sec-x-tailscale-no-browsers') ?? undefined,
  }
  return serveSetec(head, {
    identify: async () => await site(identified(as)),
    readBody: async () =>
      step.body_b64 === undefined
        ? new TextEncoder().encode(step.body ?? '')
        : new Uint8Array(Buffer.from(step.body_b64, 'base64')),
  })
}

/** @throws where setec's server does not know who that is */
function identified(id: string): Identified {
  const { whois, user, tags, caps } = IDENTITIES.get(id) as Identity
  if (whois === 'fails') throw new Error('nobody is at this address')
  if ((user ?? '') === '' && tags === undefined) throw new Error('neither a login nor tags')
  return { id, rules: setecRules(caps) }
}

function compare({ method, accept, expect }: Step, answer: SetecAnswer): string | undefined {
  const { status, contentType, body, nosniff } = answer
  const told = `${status} ${body.trimEnd()}`
  if (accept !== undefined) return [200, 304, 403, 404, 412].includes(status) ? told : undefined
  // An answer to HEAD has none.
  const isBodySame = method === 'HEAD' || expect.body === undefined || body === expect.body
  if (status !== expect.status || !isBodySame) return told
  const type = expect.content_type ?? TYPE_OF[status] ?? 'text/plain; charset=utf-8'
  if (contentType !== (status === 304 ? undefined : type)) return `content type ${contentType}`
  return nosniff === (status !== 200 && status !== 304) ? undefined : `nosniff ${nosniff}`
}

const TYPE_OF: Readonly<Record<number, string>> = { 200: 'application/json' }
