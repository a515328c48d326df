/** virsh of libvirt, as people run it. */
import {
  type Child,
  type ChildOptions,
  cleanEnv,
  type Finished,
  requireProgram,
  runChild,
  type SkippableContext,
  startChild,
} from '@secreg/testkit'

/** What a command line has left, but for how it was recorded. */
export interface Told {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Run command lines of virsh. */
export class Virsh {
  readonly #program: string
  readonly #directory: string
  /** Where they connect to. */
  readonly uri: string

  /**
   * @param program - path of virsh
   * @param directory - in which they run, and of their own files
   */
  constructor(program: string, directory: string, uri: string) {
    this.#program = program
    this.#directory = directory
    this.uri = uri
  }

  /** The same, connecting elsewhere. */
  at(uri: string): Virsh {
    return new Virsh(this.#program, this.#directory, uri)
  }

  async run(...args: readonly string[]): Promise<Told> {
    const { code, stdout, stderr } = await this.finish(args)
    return { code, stdout, stderr }
  }

  /** Run it and give what it has said on success. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.finish(args)
    if (code !== 0) throw new Error(`virsh ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  finish(args: readonly string[], options: ChildOptions = {}): Promise<Finished> {
    return runChild(this.#program, this.#line(args), { ...this.#surroundings, ...options })
  }

  /** Start it and wait for nothing. */
  start(...args: readonly string[]): Child {
    return startChild(this.#program, this.#line(args), this.#surroundings)
  }

  #line(args: readonly string[]): string[] {
    return ['-c', this.uri, ...args]
  }

  get #surroundings(): ChildOptions {
    const directory = this.#directory
    // Texts are those of the recordings in this locale, and nothing of the user's own is read.
    const env = cleanEnv({ LC_ALL: 'C', HOME: directory, XDG_CONFIG_HOME: directory })
    return { cwd: directory, env }
  }
}

/** Path of virsh; the test is skipped where there is none. */
export function requireVirsh(context: SkippableContext): string {
  return requireProgram(context, 'virsh')
}

/** URI of the secrets behind a socket. */
export function uriOf(socket: string): string {
  return `secret:///system?socket=${socket}`
}
