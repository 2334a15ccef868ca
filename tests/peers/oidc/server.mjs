// A certified OpenID provider on loopback, for tests: the account that login_hint names is signed in at once.
//
//   node server.mjs <folder with node_modules> <redirect URI>
//
// Prints its issuer on one line once it listens; ends with its standard input, and so with the test that started it.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

globalThis.crypto ??= webcrypto; // Node 18
const [folder, redirect] = process.argv.slice(2);
// what it has to say about being in memory and on Node's older releases is not for us
console.info = console.warn = () => {};
const entry = pathToFileURL(join(folder, 'node_modules', 'oidc-provider', 'lib', 'index.js'));
const { Provider } = await import(entry);

const accounts = {
  alice: { email: 'alice@example.com', email_verified: true, given_name: 'Alice', family_name: 'Ng', groups: ['staff', 'senders'] },
  bob: { email: 'bob@example.com', email_verified: false, given_name: 'Bob', family_name: 'Ray', groups: [] },
};

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = { ...privateKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' };

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'renewals',
      client_secret: 'a secret: of the client',
      redirect_uris: [redirect],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    }],
    jwks: { keys: [key] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'], profile: ['given_name', 'family_name'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, sub) => accounts[sub] && { accountId: sub, claims: () => ({ sub, ...accounts[sub] }) },
    // nobody is asked what we may know of them
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
  const answer = provider.callback();
  server.on('request', async (request, response) => {
    if (!request.url.startsWith('/interaction/')) return answer(request, response);
    try {
      const { params } = await provider.interactionDetails(request, response);
      const result = accounts[params.login_hint] ? { login: { accountId: params.login_hint } } : { error: 'access_denied' };
      await provider.interactionFinished(request, response, result);
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  console.log(issuer);
});
process.stdin.resume().on('end', () => process.exit());
