/** Keeps what every request needs in memory, as the store has it: keys, revocations and the catalogue. */
import type { Clock, Timer } from '#common/io/clock.ts';
import type { Logger } from '#common/log/logger.ts';
import { errorText } from '#common/errors.ts';
import type { Revocation } from '../../protocol/revocations.ts';
import { LATE_TOKEN_MS_MAX, type TokenVerifier } from '../../protocol/token-verifier.ts';
import { prefixed } from '../../store/key-range.ts';
import { remove } from '../../store/operations.ts';
import type { Entry, Store } from '../../store/store.ts';
import type { Catalogue } from '../access/catalogue.ts';
import { decode } from '../records/collection.ts';
import type { EndpointRecord, ServiceRecord } from '../records/records.ts';
import type { IdentitySettings } from '../settings.ts';
import { type Following, followRange, type RangeFollower } from './follow-range.ts';
import { revocationIn, REVOCATIONS } from './revocation-key.ts';
import { SIGNING_KEYS, type SigningKeyRecord, type SigningKeys } from './signing-keys.ts';

export interface FollowerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly verifier: TokenVerifier;
  readonly catalogue: Catalogue;
  readonly keys: SigningKeys;
  readonly settings: IdentitySettings;
}

/** How often it is looked whether keys are to be made and revocations to be forgotten. */
const UPKEEP_MS = 20_000;
/** Revocations that are forgotten with one transaction. */
const FORGET_MAX = 100;

export class Follower {
  readonly #options: FollowerOptions;
  readonly #revocations = new Map<string, Revocation>();
  #following: Following[] = [];
  #timer: Timer | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Resolves when everything is in memory, and there is a key to sign with. */
  async start(): Promise<void> {
    const { clock, keys, catalogue } = this.#options;
    await keys.rotate(clock.nowMs(), this.#rotation());
    const follow = (prefix: string, follower: RangeFollower) =>
      followRange(this.#options, prefixed(prefix), follower);
    this.#following = await Promise.all([
      follow(SIGNING_KEYS, this.#keyFollower()),
      follow(REVOCATIONS, this.#revocationFollower()),
      follow('identity/service/', mapFollower<ServiceRecord>(catalogue.services)),
      follow('identity/endpoint/', mapFollower<EndpointRecord>(catalogue.endpoints)),
    ]);
    this.#planUpkeep();
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await Promise.all(this.#following.map((following) => following.close()));
  }

  /** Makes and drops keys, forgets revocations of what has expired. */
  async upkeep(): Promise<void> {
    const { clock, keys, store } = this.#options;
    const nowMs = clock.nowMs();
    await keys.rotate(nowMs, this.#rotation());
    const ended = [...this.#revocations].filter(([, { endsMs }]) => endsMs < nowMs).map(([key]) => key);
    for (let at = 0; at < ended.length; at += FORGET_MAX)
      await store.transact({ then: ended.slice(at, at + FORGET_MAX).map(remove) });
  }

  #rotation() {
    const { keyRotationSeconds, tokenSeconds } = this.#options.settings;
    return {
      rotationMs: keyRotationSeconds * 1000,
      tokenLifetimeMs: tokenSeconds * 1000 + LATE_TOKEN_MS_MAX,
    };
  }

  #planUpkeep(): void {
    this.#timer = this.#options.clock.after(UPKEEP_MS, () => {
      void this.upkeep()
        .catch((error: unknown) =>
          this.#options.log.warn('upkeep of tokens’ keys', { error: errorText(error) }),
        )
        .finally(() => {
          if (this.#timer !== undefined) this.#planUpkeep();
        });
    });
  }

  #keyFollower(): RangeFollower {
    const { verifier, keys, log } = this.#options;
    const known = new Map<string, number>();
    const add = ({ key, value }: Entry): void => {
      const { id, publicKey } = decode<SigningKeyRecord>(value, key);
      verifier.addKey({ id, publicKey: Buffer.from(publicKey, 'base64') });
      known.set(key, id);
    };
    const drop = (key: string): void => {
      const id = known.get(key);
      if (id !== undefined) verifier.removeKey(id);
      known.delete(key);
    };
    // What another process has made signs here too.
    const load = (): void => {
      keys.load().catch((error: unknown) => log.warn('tokens’ keys', { error: errorText(error) }));
    };
    return {
      reset: (entries) => {
        for (const key of known.keys()) if (!entries.some((entry) => entry.key === key)) drop(key);
        for (const entry of entries) add(entry);
      },
      change: (event) => {
        if (event.kind === 'put') add(event.entry);
        else drop(event.key);
        load();
      },
    };
  }

  #revocationFollower(): RangeFollower {
    const { revocations } = this.#options.verifier;
    const add = (entry: Entry): void => {
      const revocation = revocationIn(entry);
      this.#revocations.set(entry.key, revocation);
      revocations.add(revocation);
    };
    return {
      reset: (entries) => {
        this.#revocations.clear();
        revocations.clear();
        for (const entry of entries) add(entry);
      },
      change: (event) => {
        if (event.kind === 'put') return add(event.entry);
        const known = this.#revocations.get(event.key);
        if (known !== undefined) revocations.remove(known.id);
        this.#revocations.delete(event.key);
      },
    };
  }
}

function mapFollower<Value extends { readonly id: string }>(map: Map<string, Value>): RangeFollower {
  const idOf = (key: string) => decodeURIComponent(key.slice(key.lastIndexOf('/') + 1));
  return {
    reset: (entries) => {
      map.clear();
      for (const { key, value } of entries) map.set(idOf(key), decode<Value>(value, key));
    },
    change: (event) => {
      if (event.kind === 'delete') map.delete(idOf(event.key));
      else map.set(idOf(event.entry.key), decode<Value>(event.entry.value, event.entry.key));
    },
  };
}
