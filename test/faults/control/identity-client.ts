/** The Identity API over HTTP, as a client sees it: an answer, or none when the process was killed before it came. */
import { createHmac } from 'node:crypto';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly token: string | undefined;
}

/** The process was gone before it answered: whether it has done what was asked is not known. */
export class CutOff extends Error {}

/** What stands at a path such as `user.id` in JSON, as text. */
export function textAt(json: unknown, path: string): string {
  const found = path
    .split('.')
    .reduce((value: unknown, name) => (Object(value) as Record<string, unknown>)[name], json);
  if (typeof found !== 'string') throw new Error(`no ${path} in ${JSON.stringify(json)}`);
  return found;
}

export class IdentityClient {
  readonly #base: string;

  constructor(port: number) {
    this.#base = `http://127.0.0.1:${port}/v3`;
  }

  /** Throws CutOff when there is no whole answer. */
  async ask(method: string, path: string, token?: string, body?: unknown, subject?: string): Promise<Answer> {
    try {
      const response = await fetch(this.#base + path, {
        method,
        headers: {
          ...(token === undefined ? {} : { 'x-auth-token': token }),
          ...(subject === undefined ? {} : { 'x-subject-token': subject }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const given = response.headers.get('x-subject-token') ?? undefined;
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text), token: given };
    } catch (cause) {
      throw new CutOff(`${method} ${path}`, { cause });
    }
  }

  /** As `ask`; an answer with another status is an error. */
  async expect(status: number, ...request: Parameters<IdentityClient['ask']>): Promise<Answer> {
    const answer = await this.ask(...request);
    if (answer.status === status) return answer;
    throw new Error(`${request[0]} ${request[1]}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }

  login(name: string, password: string, projectId?: string): Promise<Answer> {
    const user = { name, domain: { id: 'default' }, password };
    return this.#authenticate(
      { methods: ['password'], password: { user } },
      projectId === undefined ? undefined : { project: { id: projectId } },
    );
  }

  loginByCredential(id: string, secret: string): Promise<Answer> {
    return this.#authenticate({
      methods: ['application_credential'],
      application_credential: { id, secret },
    });
  }

  /** Whether S3 would be served for this key. */
  async isKeyUsable(adminToken: string, access: string, secret: string): Promise<boolean> {
    const signed = Buffer.from('GET\n\n\nSat, 21 Nov 2026 09:00:00 GMT\n/bucket');
    const signature = createHmac('sha1', secret).update(signed).digest('base64');
    const credentials = { access, signature, token: signed.toString('base64') };
    return isGranted(await this.ask('POST', '/s3tokens', adminToken, { credentials }));
  }

  async isTokenGood(adminToken: string, token: string): Promise<boolean> {
    const { status } = await this.ask('GET', '/auth/tokens?nocatalog', adminToken, undefined, token);
    if (status !== 200 && status !== 404) throw new Error(`a token was answered with ${status}`);
    return status === 200;
  }

  #authenticate(identity: object, scope?: object): Promise<Answer> {
    return this.ask('POST', '/auth/tokens', undefined, {
      auth: { identity, ...(scope === undefined ? {} : { scope }) },
    });
  }
}

/** Throws when it is neither granted nor refused. */
export function isGranted({ status, body }: Answer): boolean {
  if (status === 200 || status === 201) return true;
  if (status === 401) return false;
  throw new Error(`${status} ${JSON.stringify(body)}`);
}
