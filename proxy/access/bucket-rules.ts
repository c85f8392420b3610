/** Everything that a bucket says about access to it, ready to be asked. */
import type { SpaceId } from '#common/ids.ts';
import type { AccessControlList } from './acl/access-control-list.ts';
import type { Policy } from './policy/policy.ts';
import type { ObjectOwnership, PublicAccessBlock } from './public-access-block.ts';

export interface BucketRules {
  readonly owner: SpaceId;
  readonly list: AccessControlList;
  readonly policy: Policy | undefined;
  readonly block: PublicAccessBlock;
  readonly ownership: ObjectOwnership;
}
