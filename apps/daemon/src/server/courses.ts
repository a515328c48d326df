/** Which requests of one connection may be under way together. */
import type { RequestName } from '@secreg/protocol/messages'

/**
 * What may be under way together without an id, so that requests without one seem to run one after another: reads
 * beside reads; changes beside changes, which the writer takes in their order; anything else by itself.
 */
export type Course = 'read' | 'change' | 'alone'

type Payload = Readonly<Record<string, unknown>>

const COURSES: Readonly<Record<RequestName, Course | ((payload: Payload) => Course)>> = {
  auth: 'alone',
  get: 'read',
  set: 'change',
  delete: 'change',
  list: 'read',
  hello: 'read',
  logout: 'alone',
  status: 'read',
  // Who follows waits, and what comes behind waits with him.
  audit: 'read',
  export: 'alone',
  import: 'alone',
  dialect: 'change',
  txn: 'change',
  history: 'read',
  seal: 'alone',
  watch: 'read',
  unwatch: 'read',
  search: 'read',
  user: 'alone',
  whoami: 'read',
  password: 'alone',
  security: 'read',
  versions: 'change',
  meta: ({ op }) => (op === 'get' || op === 'find' ? 'read' : 'change'),
  transfer: 'change',
  mount: 'alone',
  protector: 'alone',
  rotate: 'alone',
  backup: 'alone',
  restore: 'alone',
  maintain: 'alone',
  policy: ({ op }) => (op === 'set' || op === 'delete' ? 'alone' : 'read'),
  group: 'alone',
  token: 'alone',
  zone: 'alone',
  mfa: 'alone',
  evidence: 'alone',
  // Each is as many operations on as many providers as it says; order among them is for who waits for answers.
  secrets: 'read',
}

/** Course of a request; of one that is refused, the payload does not matter. */
export function courseOf(name: RequestName | undefined, payload: Payload): Course {
  if (name === undefined) return 'read'
  const course = COURSES[name]
  return typeof course === 'string' ? course : course(payload)
}

/** Requests that cost a key derivation: one after another for each connection, or one peer could fill everybody's queue. */
export const DERIVES: ReadonlySet<RequestName> = new Set([
  'auth',
  'seal',
  'password',
  'user',
  'protector',
  'restore',
  'mfa',
  'zone',
])
