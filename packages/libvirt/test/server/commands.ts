/** What was done over a second connection that was not recorded, as the commands of the index say it. */
import type { SecretsPort } from '@secreg/libvirt/server'
import { readBody } from '../../src/wire/frame.ts'
import { LibvirtError } from '../../src/wire/libvirt-error.ts'
import { PROCEDURES } from '../../src/wire/procedures.ts'
import { parseSecretXml } from '../../src/xml/parse-secret-xml.ts'
import { framesOf, INDEX, transcript } from './replay.ts'

/** The XML of a file that a command names, as another command sent it. */
export function recordedXml(name: string): string {
  const xml = XML_FILES.get(name)
  if (xml !== undefined) return xml
  for (const { cmd, files } of INDEX) {
    const [file] = files
    if (file === undefined || !cmd.startsWith('virsh secret-define') || !cmd.endsWith(` ${name}`)) {
      continue
    }
    for (const call of framesOf(transcript(file))) {
      if (call.type === 0 && call.procedure === PROCEDURES.secretDefineXml.number) {
        return readBody(PROCEDURES.secretDefineXml.args, call.body).xml
      }
    }
  }
  throw new Error(`no XML of ${name}`)
}

/** What a command over an unrecorded connection did; that it failed is no fault. */
export async function perform(
  command: string,
  port: SecretsPort,
  xmlOf: (name: string) => string,
): Promise<void> {
  const [, verb = '', ...args] = command.slice(command.indexOf('virsh')).split(' ')
  if (verb === 'secret-define') {
    const validate = args[0] === '--validate'
    const xml = xmlOf(args[validate ? 1 : 0] ?? '')
    await attempt(async () => await port.define(parseSecretXml(xml, { validate })))
  } else if (args.includes('empty')) {
    // The client refuses it.
  } else if (verb === 'secret-set-value') {
    const value = args[1] === '--base64' ? Buffer.from(args[2] ?? '', 'base64') : FILE_VALUE
    await port.setValue(args[0] ?? '', value)
  } else if (verb === 'secret-undefine') {
    await port.undefine(args[0] ?? '')
  } else if (!READING.has(verb)) {
    throw new Error(`unknown command: ${command}`)
  }
}

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!LibvirtError.is(error)) throw error
  }
}

const XML_FILES: ReadonlyMap<string, string> = new Map([
  [
    'ev.xml',
    "<secret ephemeral='yes'><uuid>44444444-4444-4444-8444-000000000001</uuid><usage type='tls'><name>ev</name></usage></secret>",
  ],
])
const FILE_VALUE = Uint8Array.of(0, 1, 2, 0xfd, 0xfe, 0xff)
const READING: ReadonlySet<string> = new Set([
  'secret-get-value',
  'secret-list',
  'secret-dumpxml',
  'hostname',
  '-r',
])
