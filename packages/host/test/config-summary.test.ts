import { CONFIG_KEYS, parseConfig, summarizeConfig } from '@secreg/host'
import { createCanary } from '@secreg/testkit'
import { expect, test } from 'vitest'

const summaryOf = (source: string) => summarizeConfig(parseConfig(source, 'f').config)

test('every key is there, with its default', () => {
  const summary = summaryOf('')
  const names = [...CONFIG_KEYS.map(({ name }) => name), 'zones']
  expect(Object.keys(summary).sort()).toEqual(names.sort())
  expect(summary).toMatchObject({
    'session.timeout': 3600,
    'security.sealed_reads': true,
    'security.lock_on_tampering': true,
    'socket.mode': '0660',
    'socket.framing': 'auto',
    'log.level': 'info',
    'database.path': 'default',
    'socket.group': 'none',
    'unlock.key_file': 'none',
    'security.encrypt_prefixes': '0 given',
    zones: '0 given',
  })
})

test('what is given shows as it is only where it can name nothing', () => {
  const canary = createCanary()
  const path = JSON.stringify(`/srv/${canary}`)
  const summary = summaryOf(`
database.path = ${path}
audit.path = ${path}
socket.path = ${path}
socket.group = "${canary}"
socket.mode = "0600"
unlock.key_file = ${path}
unlock.systemd_credential = "${canary}"
security.encrypt_prefixes = ["/${canary}", "/b"]
pam.helper = ${path}
pam.service = "${canary}"
session.timeout = 60
log.level = "debug"
zones.a.desc = "${canary}"
zones."${canary}" = {}
`)
  expect(JSON.stringify(summary)).not.toContain(canary)
  expect(summary).toMatchObject({
    'database.path': 'given',
    'audit.path': 'given',
    'socket.path': 'given',
    'socket.group': 'given',
    'socket.mode': '0600',
    'unlock.key_file': 'given',
    'unlock.systemd_credential': 'given',
    'security.encrypt_prefixes': '2 given',
    'pam.helper': 'given',
    'pam.service': 'given',
    'session.timeout': 60,
    'log.level': 'debug',
    zones: '2 given',
  })
})
