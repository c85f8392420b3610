/** Makes the documents of a bucket's record into what can be asked: docs/formats/access-control.md. */
import { HoldfastError } from '#common/errors.ts';
import type { BucketRecord } from '#proxy/buckets/bucket-record.ts';
import { parseStoredList, privateList } from './acl/access-control-list.ts';
import type { BucketRules } from './bucket-rules.ts';
import { parsePolicy } from './policy/parse-policy.ts';
import {
  noPublicAccessBlock,
  type ObjectOwnership,
  objectOwnerships,
  type PublicAccessBlock,
} from './public-access-block.ts';

/** The names of documents. */
export const bucketDocuments = {
  acl: 'acl',
  policy: 'policy',
  publicAccessBlock: 'public-access-block',
  ownership: 'ownership',
  cors: 'cors',
  tagging: 'tagging',
  requestPayment: 'request-payment',
  objectLock: 'object-lock',
  lifecycle: 'lifecycle',
} as const;

/** Rules by record: the directory gives the same record for a second, and its policy is parsed once in that time. */
export class RulesOfBuckets {
  readonly #rules = new WeakMap<BucketRecord, BucketRules>();

  /** Throws `format-invalid`: access that cannot be told is not given. */
  of(bucket: BucketRecord): BucketRules {
    let rules = this.#rules.get(bucket);
    if (rules === undefined) {
      rules = rulesOf(bucket);
      this.#rules.set(bucket, rules);
    }
    return rules;
  }
}

function rulesOf({ owner, configuration = {} }: BucketRecord): BucketRules {
  const { acl, policy } = configuration;
  try {
    return {
      owner,
      list: acl === undefined ? privateList(owner) : parseStoredList(JSON.parse(acl)),
      policy: policy === undefined ? undefined : parsePolicy(policy),
      block: storedBlock(configuration[bucketDocuments.publicAccessBlock]) ?? noPublicAccessBlock,
      ownership: storedOwnership(configuration[bucketDocuments.ownership]) ?? 'ObjectWriter',
    };
  } catch (cause) {
    throw new HoldfastError('format-invalid', 'the access rules of a bucket cannot be read', { cause });
  }
}

export function storedBlock(text: string | undefined): PublicAccessBlock | undefined {
  if (text === undefined) return undefined;
  const fields = JSON.parse(text) as Readonly<Partial<Record<keyof PublicAccessBlock, unknown>>>;
  return {
    blockPublicAcls: fields.blockPublicAcls === true,
    ignorePublicAcls: fields.ignorePublicAcls === true,
    blockPublicPolicy: fields.blockPublicPolicy === true,
    restrictPublicBuckets: fields.restrictPublicBuckets === true,
  };
}

export function storedOwnership(text: string | undefined): ObjectOwnership | undefined {
  if (text === undefined) return undefined;
  const found = objectOwnerships.find((known) => known === text);
  if (found === undefined) throw new HoldfastError('format-invalid', 'an object ownership is not known');
  return found;
}
