/** A person at a shell who administers, beside clients of setec that come through the gateway. */
import { Desk } from '../cli/desk.ts'
import { GatewaySite } from '../lib/gateway-site.ts'
import { callSetec } from '../lib/setec-call.ts'

export class DoorDesk extends Desk {
  readonly #site: GatewaySite

  private constructor(site: GatewaySite) {
    super({}, site)
    this.#site = site
  }

  /** With daemon and gateway running, and the administrator logged in. */
  static async open(): Promise<DoorDesk> {
    const site = new GatewaySite()
    const desk = new DoorDesk(site)
    try {
      await Desk.prototype.open.call(desk)
      await site.startGateway()
      return desk
    } catch (error) {
      await desk[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Make an account by commands; answers a token of it. */
  async addUser(user: string, options = ''): Promise<string> {
    await this.ok(`sreg user add ${user} --no-password ${options}`)
    return this.token(user, '--full')
  }

  async token(user: string, options: string): Promise<string> {
    return (await this.ok(`sreg token create --user ${user} ${options}`)).trim()
  }

  /** Put rules of setec in force: a list of rules, or a capability map. */
  async import(id: string, principal: string, document: object): Promise<void> {
    const file = `${id}.json`
    this.file(file, JSON.stringify(document))
    await this.ok(`sreg policy import ${file} --format setec --principal ${principal} --yes`)
  }

  /** Address of the gateway that shows a token. */
  at(token: string): string {
    return this.#site.at(token)
  }

  /** Status of what a client of setec asks. */
  async status(token: string, operation: string, Name: string, more: object = {}): Promise<number> {
    return (await callSetec(this.at(token), operation, { Name, ...more })).status
  }
}
