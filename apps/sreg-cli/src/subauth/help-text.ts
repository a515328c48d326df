/** The help of `subauth`, made from its table. */
import { formatTable } from '../table.ts'
import { OPERATIONS, OPTIONS } from './option-table.ts'

/** The whole help, without a newline at its end. */
export function helpText(): string {
  const operations = OPERATIONS.map(({ name, values, needs, summary }) => [
    `  --${name}${values === undefined ? '' : `=${values.join('|')}`}`,
    needs.length === 0 ? summary : `${summary} (${needs.map((one) => `--${one}`).join(', ')})`,
  ])
  const options = OPTIONS.map(({ name, value, short, summary }) => [
    `  --${name}${value === undefined ? '' : `=${value}`}${short === undefined ? '' : `, -${short}`}`,
    summary,
  ])
  const [, ...rows] = formatTable(['', ''], [...operations, ...options]).split('\n')
  return [
    'subauth operation [options]',
    '',
    'Passwords and tokens of your accounts in the zones of this machine. Who you are, the kernel tells the server.',
    '',
    'Operations, with the options that they need:',
    ...rows.slice(0, operations.length),
    '',
    'Options:',
    ...rows.slice(operations.length),
    '',
    'Secrets are typed on the terminal, or read with --password-stdin; never given as an argument.',
    'With --auth-passwd and --passwd, the present password comes first, then the new one.',
    '',
    'Exit codes: 0 done or accepted, 1 wrong argument, 3 refused by the server, 6 no answer of a server, 7 no right answer.',
    '',
    'Examples:',
    '  subauth --passwd --zone=mail',
    '  subauth --create-token --zone=mail --comment=phone',
    '  subauth --create-temp --zone=mail --validity=15m | ssh host login',
  ].join('\n')
}
