/**
 * setec's operations as its documentation and recordings tell them (specs/setec.md §1.3), in the simplest form: one
 * record for each name, and the answers as they are on the wire. It differs where it was decided to (§1.4).
 */

interface Secret {
  values: Map<number, string>
  active: number
}

export interface ModelRequest {
  readonly name: string
  readonly version: number
  readonly value: string
  readonly ifChanged: boolean
}

const MAX = 2 ** 32 - 1

export class SetecModel {
  readonly #secrets = new Map<string, Secret>()
  /** Numbers that were ever used, by name; they survive a delete (Q4). */
  readonly #used = new Map<string, Set<number>>()

  run(operation: string, request: ModelRequest): string {
    const { name, version } = request
    if (operation === 'list') return this.#list()
    const needsName = ['put', 'create-version', 'activate'].includes(operation)
    if (needsName && name === '') return '400 invalid name, please specify a name'
    const noVersion = '400 invalid version, please specify a version > 0'
    if (operation === 'create-version' && version === 0) return noVersion
    if (name.startsWith('_internal/')) return '400 the name is reserved'
    if ((operation === 'activate' || operation === 'delete-version') && version === 0) {
      return noVersion
    }
    switch (operation) {
      case 'put':
        return this.#put(request)
      case 'create-version':
        if (this.#usedOf(name).has(version)) return '412 version already set'
        this.#store(request, version, true)
        return '200 {}'
      case 'delete':
        this.#secrets.delete(name)
        return '200 {}'
    }
    const secret = this.#secrets.get(name)
    if (secret === undefined) return '404 not found'
    switch (operation) {
      case 'info':
        return `200 ${this.#info(name, secret)}`
      case 'get':
        return this.#get(secret, request)
      case 'activate':
        if (!secret.values.has(version)) return '404 not found'
        secret.active = version
        return '200 {}'
      case 'delete-version':
        if (secret.active === version) return '409 version is active'
        return secret.values.delete(version) ? '200 {}' : '404 not found'
    }
    throw new Error(`no operation ${operation}`)
  }

  #get({ values, active }: Secret, { version, ifChanged }: ModelRequest): string {
    if (ifChanged && version === active) return '304 '
    const number = ifChanged || version === 0 ? active : version
    const value = values.get(number)
    return value === undefined ? '404 not found' : `200 {"Value":"${value}","Version":${number}}`
  }

  #put(request: ModelRequest): string {
    const { name, value } = request
    const latest = Math.max(0, ...this.#usedOf(name))
    const secret = this.#secrets.get(name)
    if (secret !== undefined && secret.values.get(latest) === value) return `200 ${latest}`
    if (latest === MAX) return '409 no version number is left'
    this.#store(request, latest + 1, secret === undefined)
    return `200 ${latest + 1}`
  }

  #store({ name, value }: ModelRequest, version: number, activate: boolean): void {
    const secret = this.#secrets.get(name) ?? { values: new Map<number, string>(), active: version }
    secret.values.set(version, value)
    if (activate) secret.active = version
    this.#secrets.set(name, secret)
    this.#usedOf(name).add(version)
  }

  #list(): string {
    if (this.#secrets.size === 0) return '200 null'
    const names = [...this.#secrets.keys()].sort((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    )
    return `200 [${names.map((name) => this.#info(name, this.#secrets.get(name) as Secret))}]`
  }

  #info(name: string, { values, active }: Secret): string {
    const numbers = [...values.keys()].sort((a, b) => a - b)
    return JSON.stringify({ Name: name, Versions: numbers, ActiveVersion: active })
  }

  #usedOf(name: string): Set<number> {
    const used = this.#used.get(name) ?? new Set<number>()
    this.#used.set(name, used)
    return used
  }
}
