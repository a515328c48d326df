/** Those who come by access and lose it again: by a group, and by a policy. */
import { expect } from 'vitest'
import { bear, countOf, type IdentityWriter } from './identity-writer.ts'
import type { AuditLine } from './site.ts'
import { ERROR, type Wire } from './wire.ts'

/** Token of an account, with all that it may. */
async function tokenOf(admin: Wire, user: string): Promise<string> {
  return (await admin.ok('token', { op: 'create', user, boundary: 'full' })).secret
}

/** What somebody who bears a token gets of a key: its value, or the reason of the refusal. */
async function seenBy(socket: string, token: string, key: string): Promise<string> {
  using wire = await bear(socket, token)
  if (wire === undefined) return 'AUTH_FAILED'
  const { type, body } = await wire.ask('get', { key })
  return type === ERROR ? body.reason : body.value
}

/** What comes and goes, and what somebody sees while it is there. */
interface Toggle {
  isOn: boolean
  /** Was asked for without an answer yet. */
  doubt: boolean
  /** How often it was switched, as far as is known. */
  readonly made: { on: number; off: number }
}

function switched(toggle: Toggle): void {
  toggle.isOn = !toggle.isOn
  toggle.doubt = false
  toggle.made[toggle.isOn ? 'on' : 'off']++
}

/** Joins a group and leaves it, which opens and closes a subtree. */
export class Member implements IdentityWriter {
  readonly #name: string
  readonly #toggle: Toggle = { isOn: false, doubt: false, made: { on: 0, off: 0 } }
  #token = ''

  constructor(name: string) {
    this.#name = `team-${name}`
  }

  async prepare(admin: Wire): Promise<void> {
    const name = this.#name
    await admin.ok('group', { op: 'add', kind: 'group', name })
    await admin.ok('user', { op: 'add', user: name })
    await admin.ok('policy', { op: 'set', document: readable(name, `group:${name}`) })
    await admin.ok('set', { key: `/${name}/key`, value: 'seen' })
    this.#token = await tokenOf(admin, name)
  }

  async step(admin: Wire, socket: string): Promise<void> {
    const name = this.#name
    this.#toggle.doubt = true
    const op = this.#toggle.isOn ? 'leave' : 'join'
    await admin.ok('group', { op, kind: 'group', name, user: name })
    switched(this.#toggle)
    await this.#look(socket)
  }

  async check(admin: Wire, socket: string): Promise<void> {
    const name = this.#name
    const { users } = await admin.ok('user', { op: 'show', user: name })
    const isMember = users[0].groups.includes(name)
    if (isMember !== this.#toggle.isOn) {
      expect(this.#toggle.doubt, `${name}: what was acknowledged is there`).toBe(true)
      switched(this.#toggle)
    }
    this.#toggle.doubt = false
    const { groups } = await admin.ok('group', { op: 'show', kind: 'group', name })
    expect(groups[0].members).toEqual(isMember ? [name] : [])
    await this.#look(socket)
  }

  async #look(socket: string): Promise<void> {
    const seen = await seenBy(socket, this.#token, `/${this.#name}/key`)
    expect(seen, this.#name).toBe(this.#toggle.isOn ? 'seen' : 'ACCESS_DENIED')
  }

  checkLog(lines: readonly AuditLine[]): void {
    const { made } = this.#toggle
    const name = this.#name
    expect(countOf(lines, `group-join ${name} ${name}`)).toBe(made.on)
    expect(countOf(lines, `group-leave ${name} ${name}`)).toBe(made.off)
  }
}

/** Sets a policy and deletes it, which opens and closes a subtree. */
export class Lawgiver implements IdentityWriter {
  readonly #name: string
  readonly #toggle: Toggle = { isOn: false, doubt: false, made: { on: 0, off: 0 } }
  #token = ''
  #version = 0

  constructor(name: string) {
    this.#name = `law-${name}`
  }

  async prepare(admin: Wire): Promise<void> {
    const name = this.#name
    await admin.ok('user', { op: 'add', user: name })
    await admin.ok('set', { key: `/${name}/key`, value: 'seen' })
    this.#token = await tokenOf(admin, name)
  }

  async step(admin: Wire, socket: string): Promise<void> {
    const name = this.#name
    this.#toggle.doubt = true
    if (this.#toggle.isOn) {
      await admin.ok('policy', { op: 'delete', policy: name })
    } else {
      const description = `version ${++this.#version}`
      const document = { ...readable(name, `user:${name}`), description }
      await admin.ok('policy', { op: 'set', document, if_revision: 0 })
    }
    switched(this.#toggle)
    await this.#look(socket)
  }

  async check(admin: Wire, socket: string): Promise<void> {
    const name = this.#name
    const { type, body } = await admin.ask('policy', { op: 'get', policy: name })
    const isThere = type !== ERROR
    if (isThere) expect(body.document.description).toBe(`version ${this.#version}`)
    else expect(body.reason).toBe('NOT_FOUND')
    if (isThere !== this.#toggle.isOn) {
      expect(this.#toggle.doubt, `${name}: what was acknowledged is there`).toBe(true)
      switched(this.#toggle)
    }
    this.#toggle.doubt = false
    await this.#look(socket)
  }

  async #look(socket: string): Promise<void> {
    const seen = await seenBy(socket, this.#token, `/${this.#name}/key`)
    expect(seen, this.#name).toBe(this.#toggle.isOn ? 'seen' : 'ACCESS_DENIED')
  }

  checkLog(lines: readonly AuditLine[]): void {
    const { made } = this.#toggle
    expect(countOf(lines, `policy-set ${this.#name}`)).toBe(made.on)
    expect(countOf(lines, `policy-delete ${this.#name}`)).toBe(made.off)
  }
}

/** A policy that lets one principal read one subtree. */
function readable(id: string, principal: string): object {
  return {
    id,
    rules: [
      {
        id: 'read',
        effect: 'allow',
        principals: [principal],
        actions: ['read'],
        resources: [`/${id}/**`],
      },
    ],
  }
}
