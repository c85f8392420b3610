/** Block Public Access (Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage"). */
export interface PublicAccessBlock {
  /** Refuses new lists that give to everyone. */
  readonly blockPublicAcls: boolean;
  /** Makes what lists give to everyone count for nothing. */
  readonly ignorePublicAcls: boolean;
  /** Refuses new policies that are public. */
  readonly blockPublicPolicy: boolean;
  /** Makes what a public policy allows hold for the owner's account only. */
  readonly restrictPublicBuckets: boolean;
}

export const noPublicAccessBlock: PublicAccessBlock = Object.freeze({
  blockPublicAcls: false,
  ignorePublicAcls: false,
  blockPublicPolicy: false,
  restrictPublicBuckets: false,
});

export const objectOwnerships = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const;
/**
 * Who owns what others write (Amazon S3 User Guide, "Controlling ownership of objects"): `BucketOwnerEnforced`, always the
 * bucket's owner, and lists count for nothing; `BucketOwnerPreferred`, the bucket's owner when the writer gave full control.
 */
export type ObjectOwnership = (typeof objectOwnerships)[number];
