import type { SpaceId } from '#common/ids.ts';

/** Who a request comes from, once its signature has been verified. */
export interface Principal {
  /** Unique in the cluster. */
  readonly userName: string;
  /** The namespace that the user's buckets belong to; several users may share one. */
  readonly account: SpaceId;
  /** What an Owner shows as DisplayName. */
  readonly accountName: string;
  readonly accessKey: string;
  /** May read and change every account's buckets. */
  readonly admin: boolean;
}
