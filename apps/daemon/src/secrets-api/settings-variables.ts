/**
 * The variables of the environment that set the Secrets API up (specs: secrets-api §5.5, §6), and the keys of the
 * configuration that they stand for.
 */

/** Variables that count over keys of the file; an empty text of a key that is no list counts for nothing. */
const OVER_THE_FILE = {
  ENVIRONMENT: ['secrets.environment'],
  SECRETS_API_REQUIRE_AUTH: ['secrets.require_auth'],
  SECRETS_ENFORCE_SCOPES: ['secrets.enforce_scopes'],
  ENABLE_AUTHORIZATION: ['secrets.authorization'],
  SECRETS_AUDIENCE: ['secrets.audience'],
  INBOUND_AUTH_MODE: ['secrets.inbound_auth_mode'],
  TENANT_ID: ['secrets.tenant_id'],
  TENANT_ALLOWED_MOUNTS: ['secrets.allowed_mounts'],
  SECRET_URI_ACCEPT_LEGACY: ['secrets.accept_legacy_uris'],
  GRANT_TTL_DEFAULT: ['secrets.grant_ttl'],
  GRANT_MAX_USES_DEFAULT: ['secrets.grant_max_uses'],
  NEGATIVE_CACHE_TTL_S: ['secrets.negative_cache'],
  SECRETS_ANTI_REPLAY: ['secrets.anti_replay'],
  ANTI_REPLAY_TTL_S: ['secrets.anti_replay_ttl'],
  YAML_VAULT_PATH: ['secrets.yaml_path'],
  AUDIT_SAMPLE_CACHE_HIT_N: ['secrets.audit_sample'],
  SECRETS_AUDIT_MODE: ['secrets.audit_mode'],
  SECRETS_AUDIT_BUFFER_SIZE: ['secrets.audit_buffer'],
  SECRETS_DEV_ENDPOINTS: ['secrets.dev_endpoints'],
  AUTHZEN_PDP_URL: ['secrets.pdp.url'],
  AUTHZEN_TIMEOUT_MS: ['secrets.pdp.timeout_ms'],
  OPENBAO_URL: ['secrets.openbao.url'],
  OPENBAO_ROLE_ID: ['secrets.openbao.role_id'],
  HASHICORP_URL: ['secrets.hashicorp.url'],
  HASHICORP_ROLE_ID: ['secrets.hashicorp.role_id'],
  VAULT_NAMESPACE: ['secrets.openbao.namespace', 'secrets.hashicorp.namespace'],
  VAULT_CACERT: ['secrets.openbao.ca_file', 'secrets.hashicorp.ca_file'],
  VAULT_VERIFY_SSL: ['secrets.openbao.verify_tls', 'secrets.hashicorp.verify_tls'],
  VAULT_TIMEOUT: ['secrets.openbao.timeout', 'secrets.hashicorp.timeout'],
  VAULT_POOL_SIZE: ['secrets.openbao.pool_size', 'secrets.hashicorp.pool_size'],
  VAULT_MAX_CONCURRENT_OPERATIONS: [
    'secrets.openbao.max_concurrent',
    'secrets.hashicorp.max_concurrent',
  ],
  VAULT_TOKEN_RENEWAL_THRESHOLD: [
    'secrets.openbao.renewal_threshold',
    'secrets.hashicorp.renewal_threshold',
  ],
  VAULT_ALLOWED_REDIRECT_HOSTS: [
    'secrets.openbao.redirect_hosts',
    'secrets.hashicorp.redirect_hosts',
  ],
} as const

/** Variables that have a meaning of their own. */
const OTHERS = [
  'VAULT_URL',
  'BINDING_REQUIRED_PATHS',
  'ENABLE_KAFKA_PRODUCER',
  'KAFKA_BOOTSTRAP_SERVERS',
  'KAFKA_TOPIC_PREFIX',
] as const

/** Variables that hold a secret, or what is shown with one: they do not stay in the environment. */
const SECRETS = [
  'TENANT_SALT',
  'SECRET_TENANT_SALT',
  'OPENBAO_TOKEN',
  'OPENBAO_SECRET_ID',
  'HASHICORP_TOKEN',
  'HASHICORP_SECRET_ID',
  'VAULT_TOKEN',
  'VAULT_ROLE_ID',
  'VAULT_SECRET_ID',
  'AUTHZEN_PDP_TOKEN',
  'KAFKA_SASL_PASSWORD',
] as const
const TAKEN_OUT: ReadonlySet<string> = new Set([...SECRETS, 'OPENBAO_ROLE_ID', 'HASHICORP_ROLE_ID'])

/** A variable that stands for keys. */
export type KeyVariable = keyof typeof OVER_THE_FILE
/** Any of them. */
export type SecretsVariable = KeyVariable | (typeof OTHERS)[number] | (typeof SECRETS)[number]

/** The keys that each stands for. */
export const KEYS_OF_VARIABLES: Readonly<Record<KeyVariable, readonly string[]>> = OVER_THE_FILE

/** Every variable, in the order of the table. */
export const SECRETS_VARIABLES: readonly SecretsVariable[] = Object.freeze([
  ...(Object.keys(OVER_THE_FILE) as KeyVariable[]),
  ...OTHERS,
  ...SECRETS,
])

/** What the process was started with; kept for every reload, since it is gone from the environment. */
export interface SecretsVariables {
  /** Text of a variable; undefined where it is not set. */
  get(name: SecretsVariable): string | undefined
}

/**
 * Take the variables up, once, at the start of the process: those with secrets are removed from `env`, so that no child
 * and no report of the environment has them. What the system shows of the start of a process stays as it was.
 *
 * @returns nothing that prints, or turns into JSON, with a value in it
 */
export function takeSecretsVariables(env: NodeJS.ProcessEnv): SecretsVariables {
  const texts = new Map<string, string>()
  for (const name of SECRETS_VARIABLES) {
    const text = env[name]
    if (text === undefined) continue
    texts.set(name, text)
    if (TAKEN_OUT.has(name)) delete env[name]
  }
  return Object.freeze({ get: (name: SecretsVariable) => texts.get(name) })
}
