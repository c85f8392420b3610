/** What the tests of this door share: a server on a cluster in memory, users with their tokens, and a client. */
import { Agent, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { type MemoryCluster, memoryCluster } from '#cluster/memory-cluster.ts';
import { spaceId } from '#common/ids.ts';
import type { Clock } from '#common/io/clock.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import type { KnownIdentity } from '#control/protocol/known-identity.ts';
import { SecretSeal } from '#control/protocol/sealed-secret.ts';
import type { Logger } from '#common/log/logger.ts';
import type { Credential } from '#proxy/auth/credential-store.ts';
import { memoryCredentials } from '#proxy/auth/memory-credentials.ts';
import type { UserRole } from '#proxy/auth/users-file.ts';
import { defaultBodyLimits } from '#proxy/body/body-context.ts';
import { BufferPool } from '#proxy/body/buffer-pool.ts';
import { DigestPool } from '#proxy/body/digest-pool.ts';
import { IdentityCredentials } from '#proxy/identity/identity-credentials.ts';
import { buildS3Context } from '#proxy/s3/build-context.ts';
import { createProxyServer } from '#proxy/server.ts';
import { buildSwiftContext } from './build-context.ts';
import type { SwiftContext } from './context.ts';

function user(account: string, digit: string, name: string, role: UserRole, admin = false): Credential {
  const principal = {
    userName: name,
    account: spaceId(digit.repeat(32)),
    accountName: account,
    accessKey: `${account}:${name}`,
    role,
    admin,
  };
  return { principal, secretKey: `secret-of-${name}` };
}

export const ada = user('sky', 'a', 'ada', 'owner');
/** Of ada's account, without rights of her own. */
export const mia = user('sky', 'a', 'mia', 'member');
export const bob = user('sea', 'b', 'bob', 'owner');
/** May use every account. */
export const root = user('all', 'c', 'root', 'owner', true);

export interface Sent {
  readonly method?: string;
  /** Path and query, percent-encoded; below ada's account when it does not begin with a slash. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  /** Whose token; ada's when left out, none when null. */
  readonly as?: Credential | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface TestBed extends AsyncDisposable {
  readonly cluster: MemoryCluster;
  readonly context: SwiftContext;
  readonly port: number;
  /** What was logged as a warning or an error. */
  readonly complaints: string[];
  send(sent: Sent): Promise<Answer>;
  /** The status alone. */
  status(sent: Sent): Promise<number>;
}

const CLUSTER_KEY = Buffer.alloc(32, 7);

/**
 * @param identity what is known of Keystone's users, beside those above.
 * @param clock for what depends on the second; the real one when left out.
 */
export async function openTestBed(identity?: KnownIdentity, clock: Clock = realClock()): Promise<TestBed> {
  const cluster = memoryCluster({ nowMs: () => clock.nowMs(), stripeBytes: 100_000 });
  const buffers = new BufferPool(32);
  const digests = DigestPool.start({ memory: buffers.memory, workers: 1 });
  const complaints: string[] = [];
  const users = memoryCredentials([ada, mia, bob, root]);
  const seal = new SecretSeal(CLUSTER_KEY);
  const s3 = buildS3Context({
    name: 'proxy-1',
    cluster,
    clock,
    randomness: realRandomness(),
    log: complaining(complaints),
    credentials: identity === undefined ? users : new IdentityCredentials(users, identity, seal),
    bodies: { buffers, digests, clock, limits: defaultBodyLimits },
    region: 'us-east-1',
    virtualHosts: ['s3.test'],
    bucketShards: 3,
    onlyProxy: true,
  });
  const context = buildSwiftContext(s3, CLUSTER_KEY, identity);
  const server = createProxyServer({ s3, swift: context });
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  const agent = new Agent({ keepAlive: true });
  const tokenOf = (credential: Credential) => context.tokens.issue(credential, clock.nowMs()).text;
  const sendTo = (sent: Sent) => {
    const credential = sent.as === undefined ? ada : sent.as;
    const token = credential === null ? {} : { 'X-Auth-Token': tokenOf(credential) };
    return send(port, agent, { ...sent, headers: { ...token, ...sent.headers } });
  };
  return {
    cluster,
    context,
    port,
    complaints,
    send: sendTo,
    status: async (sent) => (await sendTo(sent)).status,
    [Symbol.asyncDispose]: async () => {
      agent.destroy();
      await server.close();
      await digests.close();
    },
  };
}

function complaining(complaints: string[]): Logger {
  const complain = (message: string, fields?: object) => {
    const error = fields !== undefined && 'error' in fields ? fields.error : undefined;
    complaints.push(error instanceof Error ? `${message}: ${error.stack}` : message);
  };
  const log: Logger = { debug: () => {}, info: () => {}, warn: complain, error: complain, child: () => log };
  return log;
}

function send(port: number, agent: Agent, sent: Sent): Promise<Answer> {
  const { method = 'GET', body, headers } = sent;
  const path = sent.path.startsWith('/') ? sent.path : `/v1/AUTH_sky/${sent.path}`;
  const untold = body === undefined || headers?.['Transfer-Encoding'] !== undefined;
  const length = untold ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { host: '127.0.0.1', port, agent, method, path, headers: { ...length, ...headers } },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const received = Buffer.concat(chunks);
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: received,
            text: received.toString('utf8'),
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
