import { CONFIG_KEYS, parseConfig, summarizeConfig } from '@secreg/host'
import { createCanary } from '@secreg/testkit'
import { expect, test } from 'vitest'

const summaryOf = (source: string) => summarizeConfig(parseConfig(source, 'f').config)

test('every key is there, with its default', () => {
  const summary = summaryOf('')
  const named = ['zones', 'secrets.tenants', 'secrets.issuers']
  const names = [...CONFIG_KEYS.map(({ name }) => name), ...named]
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
    'secrets.enabled': false,
    'secrets.require_auth': 'none',
    'secrets.audience': 'default',
    'secrets.openbao.url': 'none',
    zones: '0 given',
    'secrets.tenants': '0 given',
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
secrets.environment = "${canary}"
secrets.tenant_id = "${canary}"
secrets.allowed_mounts = ["${canary}"]
secrets.salt_file = ${path}
secrets.require_auth = true
secrets.audit_mode = "required"
secrets.openbao.url = "https://${canary}.example.org"
secrets.openbao.role_id = "${canary}"
secrets.pdp.token_file = ${path}
secrets.issuers.a.issuer = "${canary}"
secrets.issuers."${canary}" = {}
secrets.tenants."${canary}" = {}
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
    'secrets.environment': 'given',
    'secrets.allowed_mounts': '1 given',
    'secrets.require_auth': true,
    'secrets.audit_mode': 'required',
    'secrets.openbao.url': 'given',
    'secrets.openbao.role_id': 'given',
    'secrets.issuers': '2 given',
    'secrets.tenants': '1 given',
    zones: '2 given',
  })
})
