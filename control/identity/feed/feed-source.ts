/** Follows the store for all that the feed tells. */
import { errorText } from '#common/errors.ts';
import { feedItemKey, type FeedItem } from '../../protocol/identity-feed.ts';
import { prefixed } from '../../store/key-range.ts';
import type { Entry, WatchEvent } from '../../store/store.ts';
import type { Identity } from '../identity.ts';
import { decode } from '../records/collection.ts';
import type { CredentialRecord, ProjectRecord } from '../records/records.ts';
import { type Following, followRange, type RangeFollower } from '../tokens/follow-range.ts';
import { revocationIn, REVOCATIONS } from '../tokens/revocation-key.ts';
import { SIGNING_KEYS, type SigningKeyRecord } from '../tokens/signing-keys.ts';
import { Ec2Items } from './ec2-items.ts';
import { FeedState } from './feed-state.ts';

export class FeedSource {
  readonly state = new FeedState();
  readonly #identity: Identity;
  readonly #ec2: Ec2Items;
  #following: Following[] = [];

  private constructor(identity: Identity) {
    this.#identity = identity;
    this.#ec2 = new Ec2Items(identity, this.state);
  }

  /** Resolves when all that there is can be told. */
  static async open(identity: Identity): Promise<FeedSource> {
    const source = new FeedSource(identity);
    await source.#start();
    return source;
  }

  async close(): Promise<void> {
    this.#ec2.close();
    await Promise.all(this.#following.map((following) => following.close()));
  }

  async #start(): Promise<void> {
    const ec2 = this.#ec2;
    const follow = (prefix: string, follower: RangeFollower) =>
      followRange(this.#identity, prefixed(prefix), follower);
    const everything = () => ec2.reconsider(() => true);
    const told = (prefix: string, then: (parts: readonly string[]) => void) =>
      follow(prefix, {
        reset: everything,
        change: (event) => then(keyOf(event).slice(prefix.length).split('/').map(decodeURIComponent)),
      });
    const ofUser = (id = '') => ec2.reconsider(({ user_id }) => user_id === id);
    this.#following = await Promise.all([
      follow(SIGNING_KEYS, this.#items('key', keyIn)),
      follow(REVOCATIONS, this.#items('revocation', revocationItemIn)),
      follow('identity/project/', this.#projects()),
      told('identity/user/', ([id]) => ofUser(id)),
      told('identity/domain/', everything),
      told('identity/role/', everything),
      told('identity/implied/', everything),
      told('identity/grant/user/', ([id]) => ofUser(id)),
      told('identity/grant/group/', ([id = '']) => this.#groupChanged(id)),
      told('identity/member/of/', ([id]) => ofUser(id)),
      told('identity/application-credential/', ([id]) =>
        ec2.reconsider(({ app_cred_id }) => app_cred_id === id),
      ),
      follow('identity/credential/', this.#credentials()),
    ]);
    await ec2.settled();
  }

  /** Whoever leaves the group at the same time is told of as its member. */
  #groupChanged(id: string): void {
    this.#identity.members.ones(id).then(
      (userIds) => {
        const members = new Set(userIds);
        this.#ec2.reconsider(({ user_id }) => members.has(user_id));
      },
      (error: unknown) => {
        this.#identity.log.warn('the identity feed', { error: errorText(error) });
        this.#ec2.reconsider(() => true);
      },
    );
  }

  #credentials(): RangeFollower {
    const prefix = 'identity/credential/';
    const recordIn = ({ key, value }: Entry) => decode<CredentialRecord>(value, key);
    return {
      reset: (entries) => this.#ec2.reset(entries.map(recordIn).filter(({ type }) => type === 'ec2')),
      change: (event) => {
        if (event.kind === 'put') this.#ec2.put(recordIn(event.entry));
        else this.#ec2.remove(decodeURIComponent(event.key.slice(prefix.length)));
      },
    };
  }

  #projects(): RangeFollower {
    const items = this.#items('project', projectIn);
    return {
      reset: (entries) => {
        items.reset(entries);
        this.#ec2.reconsider(() => true);
      },
      change: (event) => {
        items.change(event);
        const id = decodeURIComponent(keyOf(event).slice('identity/project/'.length));
        this.#ec2.reconsider(({ project_id }) => project_id === id);
      },
    };
  }

  #items(kind: FeedItem['kind'], itemIn: (entry: Entry) => FeedItem): RangeFollower {
    const { state } = this;
    const known = new Map<string, string>();
    const put = (entry: Entry): void => {
      const item = itemIn(entry);
      known.set(entry.key, feedItemKey(item));
      state.put(item);
    };
    return {
      reset: (entries) => {
        known.clear();
        for (const entry of entries) put(entry);
        state.keepOnly(kind, new Set(known.values()));
      },
      change: (event) => {
        if (event.kind === 'put') return put(event.entry);
        const key = known.get(event.key);
        if (key !== undefined) state.remove(key);
        known.delete(event.key);
      },
    };
  }
}

function keyOf(event: WatchEvent): string {
  return event.kind === 'put' ? event.entry.key : event.key;
}

function keyIn({ key, value }: Entry): FeedItem {
  const { id, publicKey } = decode<SigningKeyRecord>(value, key);
  return { kind: 'key', id, publicKey };
}

function revocationItemIn(entry: Entry): FeedItem {
  return { kind: 'revocation', revocation: revocationIn(entry) };
}

function projectIn({ key, value }: Entry): FeedItem {
  const { id, name, domain_id, enabled } = decode<ProjectRecord>(value, key);
  return { kind: 'project', id, name, domainId: domain_id, isEnabled: enabled };
}
