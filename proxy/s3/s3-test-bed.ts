/** What the tests of the front door share: a server on a cluster in memory, and a client whose requests aws4 signs. */
import { Agent, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { type MemoryCluster, memoryCluster } from '#cluster/memory-cluster.ts';
import { spaceId } from '#common/ids.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import type { Logger } from '#common/log/logger.ts';
import type { Credential } from '#proxy/auth/credential-store.ts';
import { memoryCredentials } from '#proxy/auth/memory-credentials.ts';
import { type BodyLimits, defaultBodyLimits } from '#proxy/body/body-context.ts';
import { BufferPool } from '#proxy/body/buffer-pool.ts';
import { DigestPool } from '#proxy/body/digest-pool.ts';
import { createProxyServer, defaultServerLimits, type ProxyServerLimits } from '#proxy/server.ts';
import type { Traffic } from '#proxy/traffic/traffic.ts';
import { buildSwiftContext } from '#proxy/swift/build-context.ts';
import { buildS3Context, type S3Parts } from './build-context.ts';
import type { S3Context } from './context.ts';
import { childText, readXml, type XmlElement } from './xml/reader.ts';

const aws4 = createRequire(import.meta.url)('aws4') as {
  sign(
    request: Record<string, unknown>,
    keys: { accessKeyId: string; secretAccessKey: string },
  ): SignedRequest;
};

interface SignedRequest {
  readonly path: string;
  readonly headers: Record<string, string | number>;
}

function user(name: string, digit: string, admin = false, role: 'owner' | 'member' = 'owner'): Credential {
  const account = spaceId(digit.repeat(32));
  const principal = {
    userName: name,
    account,
    accountName: `${name}-account`,
    accessKey: `KEY${name}`,
    role,
    admin,
  };
  return { principal, secretKey: `secret/of+${name}` };
}

export const ada = user('ada', 'a');
export const bob = user('bob', 'b');
export const root = user('root', 'c', true);
/** Of ada's account, with what she is given. */
export const mia = user('mia', 'a', false, 'member');
const everyone = [ada, bob, root, mia];

const store = memoryCredentials(everyone);

export interface Sent {
  readonly method: string;
  /** Path and query, percent-encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  /** Who signs; ada when left out, nobody when null. */
  readonly as?: Credential | null;
  /** The signature in the query. */
  readonly presigned?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** The document, of an XML answer. */
  readonly xml: XmlElement;
  /** The Code of an error. */
  readonly code: string | undefined;
}

export interface TestBed extends AsyncDisposable {
  readonly cluster: MemoryCluster;
  readonly context: S3Context;
  readonly port: number;
  /** What was logged as a warning or an error. */
  readonly complaints: string[];
  send(sent: Sent): Promise<Answer>;
  /** The headers of a signed request, for a test that writes to the socket itself. */
  sign(sent: Sent): SignedRequest;
}

export interface TestOptions extends Partial<S3Parts> {
  readonly stripeBytes?: number;
  readonly limits?: Partial<ProxyServerLimits>;
  readonly bodyLimits?: Partial<BodyLimits>;
  readonly traffic?: Traffic;
}

export async function openTestBed(options: TestOptions = {}): Promise<TestBed> {
  const clock = options.clock ?? realClock();
  const cluster = memoryCluster({ nowMs: () => clock.nowMs(), stripeBytes: options.stripeBytes ?? 100_000 });
  const buffers = new BufferPool(32);
  const digests = DigestPool.start({ memory: buffers.memory, workers: 1 });
  const complaints: string[] = [];
  const context = buildS3Context({
    name: 'proxy-1',
    cluster,
    clock,
    randomness: realRandomness(),
    log: complaining(complaints),
    credentials: store,
    bodies: { buffers, digests, clock, limits: { ...defaultBodyLimits, ...options.bodyLimits } },
    region: 'us-east-1',
    virtualHosts: ['s3.test'],
    bucketShards: 3,
    onlyProxy: true,
    ...options,
  });
  const swift = buildSwiftContext(context, Buffer.alloc(32, 7));
  const limits = { ...defaultServerLimits, ...options.limits };
  const server = createProxyServer({ s3: context, swift }, limits, options.traffic);
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  const agent = new Agent({ keepAlive: true });
  const sign = (sent: Sent) => signed(port, context.region, sent);
  return {
    cluster: (options.cluster as MemoryCluster | undefined) ?? cluster,
    context,
    port,
    complaints,
    sign,
    send: (sent) => send(port, agent, sent, sign(sent)),
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

function signed(port: number, region: string, sent: Sent): SignedRequest {
  const headers: Record<string, string> = { Host: `127.0.0.1:${port}`, ...sent.headers };
  const { method, path, body = '' } = sent;
  // The length is added after signing: aws4 gives a content type to whatever has one.
  const length = sent.body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  const credential = sent.as === undefined ? ada : sent.as;
  if (credential === null) return { path, headers: { ...length, ...headers } };
  const keys = { accessKeyId: credential.principal.accessKey, secretAccessKey: credential.secretKey };
  const signQuery = sent.presigned === true;
  if (!signQuery) headers['X-Amz-Content-Sha256'] ??= createHash('sha256').update(body).digest('hex');
  const request = aws4.sign({ service: 's3', region, method, path, headers, signQuery }, keys);
  return { path: request.path, headers: { ...length, ...request.headers } };
}

function send(port: number, agent: Agent, sent: Sent, { path, headers }: SignedRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { host: '127.0.0.1', port, agent, method: sent.method, path, headers },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () =>
          resolve(new Received(incoming.statusCode ?? 0, incoming.headers, Buffer.concat(chunks))),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(sent.body);
  });
}

class Received implements Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;

  constructor(status: number, headers: IncomingHttpHeaders, body: Buffer) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  get text(): string {
    return this.body.toString('utf8');
  }

  get xml(): XmlElement {
    return readXml(this.body);
  }

  get code(): string | undefined {
    return this.status < 300 || this.body.length === 0 ? undefined : childText(this.xml, 'Code');
  }
}

/** The texts of all elements of that name, anywhere in a document, in order. */
export function texts(element: XmlElement, name: string): string[] {
  const own = element.name === name ? [element.text] : [];
  return [...own, ...element.children.flatMap((child) => texts(child, name))];
}
