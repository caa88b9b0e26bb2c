// An OpenID provider as an organisation has one: discovery, keys, client credentials, and signing in
// by authorization code with PKCE. What it signs with and whom it knows come in as JSON on stdin.
import { text } from 'node:stream/consumers';
import Provider from 'oidc-provider';

const told = JSON.parse(await text(process.stdin));

const clients = [
  // A page in the browser: no secret, so PKCE alone.
  { client_id: 'docs', token_endpoint_auth_method: 'none' },
  // A client that bears the name of the service itself: its ID tokens have the service's audience.
  { client_id: told.audience, token_endpoint_auth_method: 'none' },
].map((client) => ({
  ...client,
  redirect_uris: [told.redirect],
  grant_types: ['authorization_code'],
  response_types: ['code'],
}));

for (const name of Object.keys(told.services)) {
  clients.push({
    client_id: name,
    client_secret: `${name}-secret`,
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
  });
}

function apiAt(audience) {
  return {
    scope: 'learning',
    audience,
    accessTokenFormat: 'jwt',
    accessTokenTTL: 600,
    jwt: { sign: { alg: 'RS256' } },
  };
}

const provider = new Provider(told.issuer, {
  clients,
  jwks: told.keys,
  cookies: { keys: ['of this run'] },
  scopes: ['openid', 'learning'],
  // The page exchanges its code itself, from where it is served.
  clientBasedCORS: (_, origin, client) => client.redirectUris.some((uri) => uri.startsWith(origin)),
  pkce: { required: () => true },
  ttl: { Session: 600, Interaction: 600, Grant: 600, AuthorizationCode: 60, IdToken: 600 },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  extraTokenClaims: (_, token) => told.accounts[token.accountId] ?? told.services[token.clientId],
  features: {
    // Its own pages to sign in on: any password will do.
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => `urn:api:${told.audience}`,
      useGrantedResource: () => true,
      // A token is for one API: the service, or another one of the same provider.
      getResourceServerInfo: (_, resource) => apiAt(resource.replace('urn:api:', '')),
    },
  },
});

provider.listen(told.port, '127.0.0.1', () => console.log('ready'));
