/** A client of both doors over HTTP: signed S3 requests, and Swift ones with a token. It never retries: the test has to know what was sent. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { createRequire } from 'node:module';
import type { ShellKeys } from '../../house/s3-request.ts';

const aws4 = createRequire(import.meta.url)('aws4') as {
  sign(
    parts: Record<string, unknown>,
    keys: Record<string, string>,
  ): { headers: Record<string, string | number> };
};

const ANSWER_MS_MAX = 40_000;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Sent {
  readonly body?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export class StoreClient {
  readonly #keys: ShellKeys;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });
  #token: string | undefined;

  constructor(keys: ShellKeys) {
    this.#keys = keys;
  }

  /** Throws when no whole answer came: then nobody knows what the request has done. @param path encoded, with its query. */
  s3(endpoint: string, method: string, path: string, { body, headers = {} }: Sent = {}): Promise<Answer> {
    const { host } = new URL(endpoint);
    const signed = aws4.sign(
      {
        service: 's3',
        region: 'us-east-1',
        method,
        host,
        path,
        headers: { ...headers },
        ...(body && { body }),
      },
      { accessKeyId: this.#keys.AWS_ACCESS_KEY_ID, secretAccessKey: this.#keys.AWS_SECRET_ACCESS_KEY },
    );
    return this.#send(endpoint, method, path, signed.headers, body);
  }

  /** @param path below the account. */
  async swift(endpoint: string, method: string, path: string, sent: Sent = {}): Promise<Answer> {
    this.#token ??= await this.#logIn(endpoint);
    const headers: Record<string, string | number> = { ...sent.headers, 'X-Auth-Token': this.#token };
    headers['Content-Length'] = sent.body?.length ?? 0;
    return this.#send(endpoint, method, `/v1/AUTH_admin${path}`, headers, sent.body);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #logIn(endpoint: string): Promise<string> {
    const headers = { 'X-Auth-User': 'admin:admin', 'X-Auth-Key': this.#keys.AWS_SECRET_ACCESS_KEY };
    const answer = await this.#send(endpoint, 'GET', '/auth/v1.0', headers, undefined);
    const token = answer.headers['x-auth-token'];
    if (typeof token !== 'string') throw new Error(`no token: ${answer.status}`);
    return token;
  }

  #send(
    endpoint: string,
    method: string,
    path: string,
    headers: Record<string, string | number>,
    body: Buffer | undefined,
  ): Promise<Answer> {
    const { hostname, port } = new URL(endpoint);
    return new Promise((resolve, reject) => {
      const sending = request({ hostname, port, method, path, headers, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('close', () => {
          if (!response.complete) reject(new Error('the answer broke off'));
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          });
        });
      });
      sending.setTimeout(ANSWER_MS_MAX, () => sending.destroy(new Error('no answer')));
      sending.once('error', reject);
      sending.end(body);
    });
  }
}
