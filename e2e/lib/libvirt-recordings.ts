/** Command lines that were recorded against libvirt's own daemon, and the files that they name. */
import { FrameReader, PROCEDURES, readBody } from '@secreg/libvirt'
import { loadJsonLines, type TempHome } from '@secreg/testkit'

const VECTORS = new URL('../../packages/libvirt/test/vectors/', import.meta.url)

/** A command line and what it left; `files` are the transcripts of its connections. */
export interface RecordedCommand {
  readonly seq: number
  readonly files: readonly string[]
  readonly cmd: string
  readonly rc: number
  readonly out: string
  readonly err: string
}

/** Name by which a recording is spoken of. */
export function nameOf({ files, seq }: RecordedCommand): string {
  return files[0]?.replace(/\.jsonl$/, '') ?? String(seq)
}

/** Command lines of virsh 9.0, in the order in which they were recorded. */
export function recordedCommands(): RecordedCommand[] {
  return loadJsonLines<RecordedCommand>(new URL('index.jsonl', VECTORS)).filter(
    ({ cmd, files, rc }) => cmd.startsWith('virsh ') && files.length === 1 && rc !== undefined,
  )
}

/** Write every file that a recorded command line names into a directory. */
export function writeRecordedFiles(home: TempHome): void {
  home.write('v.bin', VALUE)
  home.write('v.b64', VALUE.toString('base64'))
  home.write('empty', '')
  for (const { cmd, files } of recordedCommands()) {
    const name = /^virsh (?:-r )?secret-define (?:--validate )?(\S+)$/.exec(cmd)?.[1]
    const [xml] = name === undefined ? [] : definedIn(files[0] ?? '')
    if (name !== undefined && xml !== undefined) home.write(name, xml)
  }
}

/** `v.bin` as it was recorded. */
const VALUE = Buffer.from([0, 1, 2, 0xfd, 0xfe, 0xff])

/** Documents that a recorded connection has defined. */
function definedIn(file: string): string[] {
  const reader = new FrameReader()
  const url = new URL(`transcripts/${file}`, VECTORS)
  for (const { dir, hex } of loadJsonLines<{ dir: string; hex: string }>(url)) {
    if (dir === 'c2s') reader.push(Uint8Array.from(Buffer.from(hex, 'hex')))
  }
  const { number, args } = PROCEDURES.secretDefineXml
  const found: string[] = []
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    if (frame.procedure === number) found.push(readBody(args, frame.body).xml)
  }
  return found
}
