// Two real OpenID Connect providers in one process, for tests. Their users live in memory and are set over HTTP:
//   PUT /test/users    {"ada": {"password": "…", "claims": {"groups": [...]}}}   replaces all users
//   PUT /test/keys     signs with a new key from now on, and forgets the old one
//   PUT /test/mood     {"status": 503} answers everything like that; {} is well again
// ID tokens are valid for long: the clock of the server under test may be ahead by days.
// Prints one line of JSON with the issuers when it listens.
import { createServer } from 'node:http'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import Provider from 'oidc-provider'
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js'

const redirects = ['https://ui.example/callback', 'http://127.0.0.1/callback']
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'

function keys() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' }] }
}

function build(issuer, state) {
  const provider = new Provider(issuer, {
    adapter: state.adapter,
    clients: [{
      client_id: 'hanse', client_secret: 'secret-of-hanse', application_type: 'native', redirect_uris: redirects,
      response_types: ['code'], grant_types: ['authorization_code', 'refresh_token', DEVICE],
    }],
    jwks: keys(),
    claims: {
      openid: ['sub', 'amr'], email: ['email', 'email_verified'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username', 'groups'],
    },
    conformIdTokenClaims: true,
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false }, deviceFlow: { enabled: true }, revocation: { enabled: true },
      introspection: { enabled: true },
    },
    cookies: { keys: ['test'] },
    ttl: { AccessToken: 3600, IdToken: 30 * 86400, DeviceCode: 600, Session: 3600, Interaction: 600, Grant: 86400, RefreshToken: 86400 },
    findAccount: async (ctx, id) => state.users[id] && { accountId: id, claims: async () => ({ sub: id, ...state.users[id].claims }) },
    interactions: { url: (ctx, interaction) => `/login/${interaction.uid}` },
    loadExistingGrant: async ctx => {
      const { client, session } = ctx.oidc
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope('openid email profile offline_access')
      await grant.save()
      return grant
    },
  })
  provider.on('server_error', (ctx, error) => console.error(error))
  return provider
}

async function body(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString()
}

async function login(provider, state, request, response) {
  const { prompt, uid } = await provider.interactionDetails(request, response)
  if (prompt.name === 'consent') {
    return provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true })
  }
  if (request.method === 'POST') {
    const form = new URLSearchParams(await body(request))
    const id = form.get('user')
    if (state.users[id]?.password === form.get('password')) {
      const result = { login: { accountId: id, amr: state.users[id].claims.amr } }
      return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
    }
    response.statusCode = 401
  }
  response.setHeader('content-type', 'text/html')
  response.end(`<form method="post" action="/login/${uid}"><input name="user"><input type="password" name="password"></form>`)
}

async function change(name, state, issuer, request, response) {
  const given = JSON.parse(await body(request) || '{}')
  if (name === 'users') state.users = given
  if (name === 'mood') state.mood = given.status
  if (name === 'keys') state.provider = build(issuer, state)
  response.end('{}')
}

function open() {
  return new Promise(resolve => {
    // The adapter that is used by default has one storage for the whole process: each would know the other's codes.
    const state = { users: {}, mood: undefined, provider: undefined, adapter: createMemoryAdapter() }
    const server = createServer((request, response) => answer(request, response).catch(error => {
      console.error(error)
      response.statusCode = 500
      response.end()
    }))
    let issuer
    async function answer(request, response) {
      const [, first, second] = request.url.split('?')[0].split('/')
      if (first === 'test') return change(second, state, issuer, request, response)
      if (state.mood) {
        response.statusCode = state.mood
        return response.end('not well')
      }
      if (first === 'login') return login(state.provider, state, request, response)
      return state.provider.callback()(request, response)
    }
    server.listen(0, '127.0.0.1', () => {
      issuer = `http://127.0.0.1:${server.address().port}`
      state.provider = build(issuer, state)
      resolve(issuer)
    })
  })
}

console.log(JSON.stringify(await Promise.all([open(), open()])))
process.stdin.on('end', () => process.exit(0)).resume()
