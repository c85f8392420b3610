/** What the parts of identity do in a second, by hand: node control/identity/identity.bench.ts */
import { mayDo } from '../policy/policy.ts';
import { TokenVerifier } from '../protocol/token-verifier.ts';
import { authenticate } from './auth/authenticate.ts';
import { ADMIN_PASSWORD, ServedIdentity } from './served-identity.fixture.ts';

const ROUNDS = 3;
const ROUND_MS = 1000;

/** One after the other, on one core: the median round. */
async function measure(what: string, operation: () => unknown): Promise<void> {
  const rounds: { rate: number; cpuUs: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedMs = performance.now();
    const cpu = process.cpuUsage();
    let done = 0;
    while (performance.now() - startedMs < ROUND_MS) {
      for (let at = 0; at < 10; at += 1) {
        const result = operation();
        if (result instanceof Promise) await result;
      }
      done += 10;
    }
    const { user, system } = process.cpuUsage(cpu);
    const seconds = (performance.now() - startedMs) / 1000;
    rounds.push({ rate: done / seconds, cpuUs: (user + system) / done });
  }
  const median = rounds.toSorted((a, b) => a.rate - b.rate)[Math.floor(ROUNDS / 2)];
  if (median === undefined) return;
  const rate = Math.round(median.rate).toLocaleString('en-US');
  process.stdout.write(
    `${what.padEnd(44)} ${rate.padStart(12)}/s  ${median.cpuUs.toFixed(1).padStart(10)} µs CPU\n`,
  );
}

const served = await ServedIdentity.start({ failuresAtOnceMax: 100_000 });
const { identity } = served;
const token = await served.admin();
const statement = identity.verifier.verify(token);

const keys = await identity.keys.load();
const fresh = (): TokenVerifier => {
  const verifier = new TokenVerifier(identity.clock);
  for (const { id, publicKey } of keys) verifier.addKey({ id, publicKey: Buffer.from(publicKey, 'base64') });
  return verifier;
};
let unknowing = fresh();
await measure('verify: a token that was not seen before', () => {
  unknowing.verify(token);
  unknowing = fresh();
});
await measure('verify: a token that was', () => identity.verifier.verify(token));
await measure('policy: a decision', () =>
  mayDo('identity:get_user', statement, { userId: 'x', domainIds: ['default'] }),
);
const byToken = {
  identity: { methods: ['token'], token: { id: token } },
  scope: { project: { name: 'demo', domain: { id: 'default' } } },
};
await measure('issue: by a token, for a project', () => authenticate(identity, byToken));
const user = { name: 'admin', domain: { id: 'default' }, password: ADMIN_PASSWORD };
const byPassword = { identity: { methods: ['password'], password: { user } }, scope: byToken.scope };
await measure('issue: by a password (argon2id, 19 MiB)', () => authenticate(identity, byPassword));
await measure('API: validate, without a socket', () =>
  served.ask('GET', '/auth/tokens', token, undefined, { 'x-subject-token': token }),
);
await served.close();
