import type { SpaceId } from '#common/ids.ts';
import type { UserRole } from './users-file.ts';

/** Who a request comes from, once its signature has been verified. */
export interface Principal {
  /** Unique in its account. */
  readonly userName: string;
  /** The namespace that the user's buckets belong to; several users may share one. */
  readonly account: SpaceId;
  /** What an Owner shows as DisplayName. */
  readonly accountName: string;
  readonly accessKey: string;
  /**
   * An owner may do everything in its account; a reader may read everything in it; a member only what access lists and policies
   * give it.
   */
  readonly role: UserRole | 'reader';
  /** May read and change every account's buckets. */
  readonly admin: boolean;
}
