/** Who has which role where: one key a grant (docs/formats/identity.md). */
import { keyPart, prefixed } from '../../store/key-range.ts';
import { entriesOf, getEntry, put, remove } from '../../store/operations.ts';
import type { Comparison, Operation, Store } from '../../store/store.ts';
import { ApiError } from '../api-error.ts';

export interface GrantTarget {
  readonly kind: 'project' | 'domain' | 'system';
  /** `all` of the system. */
  readonly id: string;
}

export interface Grant {
  readonly actor: { readonly kind: 'user' | 'group'; readonly id: string };
  readonly target: GrantTarget;
  readonly roleId: string;
  /** Not good on the target itself, but on every project below it. */
  readonly isInherited: boolean;
}

export const SYSTEM: GrantTarget = { kind: 'system', id: 'all' };
const PREFIX = 'identity/grant/';

export class Grants {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async has(grant: Grant): Promise<boolean> {
    return (await getEntry(this.#store, keyOf(grant))) !== undefined;
  }

  /** Throws 404 when one of what `compare` names is gone. */
  async add(grant: Grant, compare: readonly Comparison[]): Promise<void> {
    const { succeeded } = await this.#store.transact({
      compare,
      then: [this.put(grant)],
    });
    if (!succeeded)
      throw new ApiError(404, 'Could not find what the role was to be given to, on, or the role.');
  }

  put(grant: Grant): Operation {
    return put(keyOf(grant), Buffer.from('{}'));
  }

  remove(grant: Grant): Operation {
    return remove(keyOf(grant));
  }

  /** Of one user or group. */
  async of(actor: Grant['actor']): Promise<Grant[]> {
    return await this.#list(`${PREFIX}${actor.kind}/${keyPart(actor.id)}/`);
  }

  all(): Promise<Grant[]> {
    return this.#list(PREFIX);
  }

  async #list(prefix: string): Promise<Grant[]> {
    const grants: Grant[] = [];
    for await (const { key } of entriesOf(this.#store, prefixed(prefix))) grants.push(grantIn(key));
    return grants;
  }
}

function keyOf({ actor, target, roleId, isInherited }: Grant): string {
  const parts = [actor.id, target.kind, target.id, roleId].map(keyPart);
  return `${PREFIX}${actor.kind}/${parts.join('/')}/${isInherited ? 'inherited' : 'own'}`;
}

function grantIn(key: string): Grant {
  const [actorKind, actorId = '', targetKind, targetId = '', roleId = '', reach] = key
    .slice(PREFIX.length)
    .split('/')
    .map(decodeURIComponent);
  return {
    actor: { kind: actorKind === 'group' ? 'group' : 'user', id: actorId },
    target: {
      kind: targetKind === 'project' || targetKind === 'domain' ? targetKind : 'system',
      id: targetId,
    },
    roleId,
    isInherited: reach === 'inherited',
  };
}
