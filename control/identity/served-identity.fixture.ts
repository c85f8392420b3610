/** The Identity API over a store in memory, as a first start makes it, asked without a socket. */
import { createLogger } from '#common/log/logger.ts';
import type { Clock } from '#common/io/clock.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { FailureLimit } from '../api/failure-limit.ts';
import type { Route } from '../api/route.ts';
import { buildApiServer } from '../api/server.ts';
import type { Store } from '../store/store.ts';
import { memoryStore } from '../store/memory-store.ts';
import { identityRoutes } from './api/identity-routes.ts';
import { version2Routes } from './api/version2.ts';
import { ensureFirstStart } from './first-start.ts';
import { type Identity, openIdentity } from './identity.ts';
import type { HashCost } from './passwords/password-hash.ts';
import { defaultIdentitySettings, type IdentitySettings } from './settings.ts';

export const ADMIN_PASSWORD = 'the administrator';

/** The algorithm is the real one; what it costs is a matter of `passwords.test.ts`. */
const CHEAP: HashCost = { memoryKiB: 64, passes: 1 };

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** What stands at a path such as `user.id` or `projects.0.name` in JSON; undefined when there is nothing. */
export function at(json: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce((value: unknown, name) => (Object(value) as Record<string, unknown>)[name], json);
}

export function textAt(json: unknown, path: string): string {
  return String(at(json, path));
}

export class ServedIdentity {
  readonly identity: Identity;
  readonly clusterKey: Buffer;
  readonly #isOwner: boolean;
  readonly #app: ReturnType<typeof buildApiServer>;

  private constructor(
    identity: Identity,
    clusterKey: Buffer,
    app: ReturnType<typeof buildApiServer>,
    isOwner: boolean,
  ) {
    this.#isOwner = isOwner;
    this.identity = identity;
    this.clusterKey = clusterKey;
    this.#app = app;
  }

  static async start(
    settings: Partial<IdentitySettings> = {},
    cloudRoutes: (identity: Identity) => readonly Route[] = () => [],
    {
      clock = realClock(),
      hashCost = CHEAP,
      store = memoryStore({ clock, randomness: realRandomness() }),
    }: { readonly clock?: Clock; readonly hashCost?: HashCost; readonly store?: Store } = {},
  ): Promise<ServedIdentity> {
    const randomness = realRandomness();
    const log = createLogger({
      level: 'error',
      form: 'json',
      sink: process.stderr,
      nowMs: () => Date.now(),
    });
    const clusterKey = randomness.bytes(32);
    const identity = await openIdentity({
      store,
      clock,
      randomness,
      log,
      clusterKey,
      settings: { ...defaultIdentitySettings, ...settings },
      hashCost,
    });
    await ensureFirstStart(identity, {
      adminPassword: ADMIN_PASSWORD,
      region: 'here',
      services: [
        { type: 'identity', name: 'keystone', url: 'http://127.0.0.1:5000/identity' },
        { type: 'object-store', name: 'swift', url: 'http://127.0.0.1:8080/v1/AUTH_%(project_id)s' },
      ],
    });
    return await ServedIdentity.#serve(identity, clusterKey, true, undefined, cloudRoutes(identity));
  }

  /** The same identity, behind routes that are changed. */
  async serveBeside(change: (routes: readonly Route[]) => readonly Route[]): Promise<ServedIdentity> {
    return await ServedIdentity.#serve(this.identity, this.clusterKey, false, change);
  }

  static async #serve(
    identity: Identity,
    clusterKey: Buffer,
    isOwner: boolean,
    change: (routes: readonly Route[]) => readonly Route[] = (routes) => routes,
    cloudRoutes: readonly Route[] = [],
  ): Promise<ServedIdentity> {
    const { settings, clock } = identity;
    const failures = new FailureLimit(settings.failuresAtOnceMax, () => clock.monotonicMs());
    const app = buildApiServer({
      identity,
      routes: change(identityRoutes(failures)),
      version2Routes: version2Routes(failures),
      cloudRoutes,
      isReady: () => true,
    });
    await app.ready();
    return new ServedIdentity(identity, clusterKey, app, isOwner);
  }

  /** @param path below `/v3`, or from the root when it begins with `//`. */
  async ask(
    method: string,
    path: string,
    token?: string,
    body?: unknown,
    headers: object = {},
  ): Promise<Reply> {
    const reply = await this.#app.inject({
      method: method as 'GET',
      url: path.startsWith('//') ? path.slice(1) : `/v3${path}`,
      headers: {
        host: 'cloud.test:5000',
        ...(token === undefined ? {} : { 'x-auth-token': token }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = reply.payload;
    const isJson = String(reply.headers['content-type']).startsWith('application/json');
    return {
      status: reply.statusCode,
      headers: reply.headers,
      body: text === '' ? undefined : isJson ? (JSON.parse(text) as unknown) : text,
    };
  }

  /** Throws when it is refused. */
  async login(name: string, password: string, scope?: unknown): Promise<string> {
    const reply = await this.tryLogin(name, password, scope);
    if (reply.status !== 201) throw new Error(`${name} could not log in: ${JSON.stringify(reply.body)}`);
    return String(reply.headers['x-subject-token']);
  }

  tryLogin(name: string, password: string, scope?: unknown): Promise<Reply> {
    const user = { name, domain: { id: 'default' }, password };
    return this.ask('POST', '/auth/tokens', undefined, {
      auth: {
        identity: { methods: ['password'], password: { user } },
        ...(scope === undefined ? {} : { scope }),
      },
    });
  }

  /** Scoped to the admin project. */
  admin(): Promise<string> {
    return this.login('admin', ADMIN_PASSWORD);
  }

  async close(): Promise<void> {
    await this.#app.close();
    if (!this.#isOwner) return;
    await this.identity.close();
    await this.identity.store.close();
  }
}

export const inProject = (name: string) => ({ project: { name, domain: { id: 'default' } } });
