/** `sreg protector`: what opens the registry. */
import type { ProtectorInfo, ProtectorResponse, RequestOf } from '@secreg/protocol'
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { CliError } from '../errors.ts'
import { withHints } from '../hints.ts'
import { readKeyFileText } from '../key-file.ts'
import { type Proof, readProof } from '../proof.ts'
import type { SecretQuestion } from '../secrets.ts'
import { noteShares, shareCountsOf } from '../share-counts.ts'
import { formatTable } from '../table.ts'

type ProtectorRequest = RequestOf<'protector'>
type Kind = ProtectorInfo['kind']

/** What a protector is made from; its proof is asked together with it. */
interface Made {
  readonly proof: Proof
  readonly secret: Pick<
    Extract<ProtectorRequest, { op: 'add' }>,
    'passphrase' | 'shares' | 'key_file'
  >
}

const NEW_PASSPHRASE: SecretQuestion = { question: 'New passphrase', again: 'New passphrase again' }

const HINTS = {
  UNLOCK_FAILED: 'nothing was changed; check the proof: what opens the registry now',
  NO_PROTECTOR: 'prove it by a passphrase, --proof-key-file FILE or --proof-shares',
  SHARES_MISSING: 'nothing was changed; give as many shares as are needed',
  NOT_FOUND: 'run: sreg protector list',
  OUTCOME_UNKNOWN: 'run: sreg protector list',
  VERSION_CONFLICT: 'run: sreg protector list, then try again',
}

export async function run(context: Context): Promise<undefined> {
  const request = await requestOf(context)
  const answer = await withHints(HINTS, () => ask(context, request))
  const { protectors, protector, shares = [], erased } = answer
  await context.print(answer, () =>
    protectors === undefined ? shares.join('\n') : protectorTable(protectors),
  )
  await noteShares(context, shares)
  if (protector !== undefined && context.verbose) await context.note(protector.id)
  if (erased === false) await context.note('the old header leaves the disk in the background')
}

/** A change waits until the old bytes have left the files. */
function ask(context: Context, request: ProtectorRequest): Promise<ProtectorResponse> {
  return context.withRegistry('needed', (registry) =>
    registry.protector(request, { timeoutMs: LONG_TIMEOUT_MS }),
  )
}

async function requestOf(context: Context): Promise<ProtectorRequest> {
  const force = context.flag('force') ? { force: true } : {}
  switch (context.invocation.subcommand) {
    case 'add': {
      const kind = context.operand(0) as Kind
      const label = context.text('label')
      const { proof, secret } = await makeOf(context, kind, true)
      return {
        op: 'add',
        kind,
        ...secret,
        ...(label === undefined ? {} : { label }),
        ...(context.flag('recovery') ? { recovery: true } : {}),
        proof,
      }
    }
    case 'change': {
      const protector = context.operand(0)
      const { proof, secret } = await makeOf(context, await kindOf(context, protector), false)
      return { op: 'change', protector, ...secret, proof, ...force }
    }
    case 'remove':
      return { op: 'remove', protector: context.operand(0), ...force }
    default:
      return { op: 'list' }
  }
}

/** Which kind it is decides what is asked for. */
async function kindOf(context: Context, name: string): Promise<Kind> {
  const { protectors = [] } = await ask(context, { op: 'list' })
  const found =
    protectors.find(({ id }) => id === name) ??
    protectors.find(({ label }) => label === name) ??
    protectors.find(({ id }) => id.startsWith(name))
  if (found !== undefined) return found.kind
  throw new CliError('NOT_FOUND', 'no protector of that id or label', HINTS.NOT_FOUND)
}

async function makeOf(context: Context, kind: Kind, isNew: boolean): Promise<Made> {
  const counts = shareCountsOf(context)
  const file = context.text('file')
  if ((counts !== undefined && kind !== 'shares') || (file !== undefined && kind !== 'key-file')) {
    const option = file === undefined ? '--shares' : '--file'
    throw new CliError('INVALID_ARGUMENT', `${option} is not for the kind ${kind}`)
  }
  if (isNew && kind === 'shares' && counts === undefined) {
    throw new CliError(
      'INVALID_ARGUMENT',
      'how many shares is missing',
      'for example: --shares 5 --threshold 3',
    )
  }
  if (kind === 'key-file' && file === undefined) {
    throw new CliError(
      'INVALID_ARGUMENT',
      'the key file is missing',
      'give --file FILE; make one with: head -c 32 /dev/urandom',
    )
  }
  const key_file = file === undefined ? undefined : await readKeyFileText(file)
  const asksPassphrase = kind === 'passphrase'
  const { proof, secrets } = await readProof(context, asksPassphrase ? [NEW_PASSPHRASE] : [])
  const [passphrase] = secrets
  return {
    proof,
    secret: {
      ...(asksPassphrase && passphrase !== undefined ? { passphrase } : {}),
      ...(counts === undefined ? {} : { shares: { ...counts } }),
      ...(key_file === undefined ? {} : { key_file }),
    },
  }
}

function protectorTable(protectors: readonly ProtectorInfo[]): string {
  return formatTable(
    ['Id', 'Kind', 'Label', 'Use', 'Details'],
    protectors.map((protector) => [
      protector.id,
      protector.kind,
      protector.label ?? '',
      protector.recovery ? 'recovery' : 'daily',
      detailsOf(protector).join(', '),
    ]),
  )
}

function detailsOf({ threshold, count, credential, portable, kdf }: ProtectorInfo): string[] {
  return [
    ...(threshold === undefined || count === undefined ? [] : [`${threshold} of ${count}`]),
    ...(kdf.N === undefined ? [] : [`${kdf.name} N=2^${Math.log2(kdf.N)} r=${kdf.r} p=${kdf.p}`]),
    ...(credential === undefined ? [] : [credential]),
    ...(portable ? [] : ['this host only']),
  ]
}
