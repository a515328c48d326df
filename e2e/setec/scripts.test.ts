/** Clients of setec that people write by hand: curl in a shell, as setec's own documentation has it, and Python. */
import { requireProgram, runChild } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { startGatewaySite } from '../lib/gateway-site.ts'
import { makeSetecCaller } from '../lib/setec-call.ts'

/**
 * Compare a session of the shell with what it shows: after `$ ` a command, then the lines of its output. `SERVER` and
 * `TOKEN` are in the environment.
 */
async function session(env: Readonly<Record<string, string>>, text: string): Promise<void> {
  const steps = text.replace(/^ {4}/gm, '').trim().split(/^\$ /m).slice(1)
  for (const step of steps) {
    const lines = step.trimEnd().split('\n')
    // A command goes on after a backslash.
    const end = lines.findIndex((line) => !line.endsWith('\\')) + 1
    const command = lines.slice(0, end).join('\n')
    const { stdout, stderr } = await runChild('/bin/sh', ['-c', command], {
      env: { PATH: process.env['PATH'], ...env },
    })
    expect(stdout.trimEnd(), `${command}\n${stderr}`).toBe(lines.slice(end).join('\n'))
  }
}

test('curl: a session as in the documentation of setec', async (context) => {
  requireProgram(context, 'curl')
  await using started = await startGatewaySite()
  const { site, admin } = started
  const { secret } = await makeSetecCaller(admin, 'ann', [
    {
      action: ['get', 'info', 'put', 'create-version', 'activate', 'delete'],
      secret: ['prod/*'],
    },
  ])
  const environment = {
    SERVER: site.http,
    TOKEN: secret,
    // What each call of it needs, so that the calls themselves are short.
    CURL: `curl -s -H Sec-X-Tailscale-No-Browsers:setec -H Content-Type:application/json`,
  }
  await session(
    environment,
    String.raw`
    $ curl -s -H "Sec-X-Tailscale-No-Browsers: setec" -H "Content-Type: application/json" \
      -X POST "$SERVER/t/$TOKEN/api/put" -d '{"name":"prod/program/secret","value":"aGVsbG8="}'
    1
    $ curl -s -H "Sec-X-Tailscale-No-Browsers: setec" -H "Content-Type: application/json" \
      -X POST "$SERVER/t/$TOKEN/api/get" -d '{"name":"prod/program/secret"}'
    {"Value":"aGVsbG8=","Version":1}
    $ $CURL "$SERVER/t/$TOKEN/api/put" -d '{"name":"prod/program/secret","value":"d29ybGQ="}'
    2
    $ $CURL -u "$TOKEN:" "$SERVER/api/activate" -d '{"name":"prod/program/secret","version":2}'
    {}
    $ $CURL -H "Authorization: Bearer $TOKEN" "$SERVER/api/get" -d '{"NAME":"prod/program/secret"}'
    {"Value":"d29ybGQ=","Version":2}
    $ $CURL -H "X-Vault-Token: $TOKEN" "$SERVER/api/info" -d '{"name":"prod/program/secret"}'
    {"Name":"prod/program/secret","Versions":[1,2],"ActiveVersion":2}
    $ $CURL "$SERVER/t/$TOKEN/api/list" -d '{}'
    [{"Name":"prod/program/secret","Versions":[1,2],"ActiveVersion":2}]
    $ $CURL -w '%{http_code} %{size_download} %{content_type}\n' "$SERVER/t/$TOKEN/api/get" \
      -d '{"name":"prod/program/secret","version":2,"updateIfChanged":true}'
    304 0
    $ $CURL -w '%{http_code} %{content_type}\n' "$SERVER/t/$TOKEN/api/get" -d '{"name":"dev/x"}'
    access denied
    403 text/plain; charset=utf-8
    $ $CURL -w '%{http_code}\n' "$SERVER/t/$TOKEN/api/get" -d '{"name":"prod/none"}'
    not found
    404
    $ $CURL -w '%{http_code}\n' "$SERVER/t/$TOKEN/api/get" -d 'name=prod'
    bad request
    400
    $ $CURL -w '%{http_code}\n' "$SERVER/api/get" -d '{"name":"prod/program/secret"}'
    unable to identify caller
    401
    $ curl -s -w '%{http_code}\n' "$SERVER/t/$TOKEN/api/get" -d '{"name":"prod/program/secret"}'
    request body must be json
    400
    $ curl -s -w '%{http_code}\n' -H Content-Type:application/json "$SERVER/t/$TOKEN/api/get" -d '{}'
    access denied
    403
    $ printf '{"name":"prod/big","value":"%s"}' "$(head -c 300000 /dev/zero | base64 -w 0)" | \
      $CURL -H Transfer-Encoding:chunked "$SERVER/t/$TOKEN/api/put" -d @-
    1
    $ $CURL "$SERVER/t/$TOKEN/api/get" -d '{"name":"prod/big"}' | wc -c
    400024
    $ $CURL "$SERVER/t/$TOKEN/api/delete-version" -d '{"name":"prod/program/secret","version":1}'
    {}
    $ $CURL "$SERVER/t/$TOKEN/api/delete" -d '{"name":"prod/program/secret"}'
    {}
    $ $CURL "$SERVER/t/$TOKEN/api/delete" -d '{"name":"prod/big"}'
    {}
    $ $CURL "$SERVER/t/$TOKEN/api/list" -d '{}'
    null
    $ curl -s -u "$TOKEN:" "$SERVER/" | grep -c '<tr><td>'
    0
  `,
  )
})

/** Nothing but what comes with Python; it keeps one connection for all of its calls, as `requests` would. */
const PYTHON = String.raw`
import base64, http.client, json, os, urllib.parse

server = urllib.parse.urlsplit(os.environ["SERVER"])
connection = http.client.HTTPConnection(server.netloc)

def call(operation, **members):
    connection.request("POST", "/api/" + operation, json.dumps(members), {
        "Content-Type": "application/json",
        "Sec-X-Tailscale-No-Browsers": "setec",
        "Authorization": "Bearer " + os.environ["TOKEN"],
    })
    response = connection.getresponse()
    body = response.read()
    return response.status, json.loads(body) if response.status == 200 else body.decode()

def encoded(text):
    return base64.b64encode(text.encode()).decode()

name = "prod/ünd\u0000 😀"
print(call("list"))
print(call("put", Name=name, Value=encoded("grüße")))
print(call("create-version", Name=name, Version=4294967295, Value=encoded("last")))
print(call("put", Name=name, Value=encoded("more")))
status, answer = call("get", Name=name, Version=1)
print(status, base64.b64decode(answer["Value"]).decode(), answer["Version"])
print(call("get", Name=name, Version=4294967295, UpdateIfChanged=True))
print(call("list") == (200, [{"Name": name, "Versions": [1, 4294967295], "ActiveVersion": 4294967295}]))
print(call("delete", Name=name))
`

test('Python: its own HTTP client and JSON, over one connection', async (context) => {
  const python = requireProgram(context, 'python3')
  await using started = await startGatewaySite()
  const { site, admin } = started
  const { secret } = await makeSetecCaller(admin, 'ann')
  const { code, stdout, stderr } = await runChild(python, ['-c', PYTHON], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PYTHONIOENCODING: 'utf-8',
      SERVER: site.http,
      TOKEN: secret,
    },
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.trimEnd().split('\n')).toEqual([
    '(200, None)',
    '(200, 1)',
    '(200, {})',
    "(409, 'no version number is left\\n')",
    '200 grüße 1',
    "(304, '')",
    'True',
    '(200, {})',
  ])
})
