/** GET /info: what this cluster can do (Object Storage API reference, "Discoverability"). */
import { POLICY_NAME, swiftLimits } from '../limits.ts';
import type { Operation } from '../request.ts';

/** The release of OpenStack Swift whose API this door follows. */
const SWIFT_VERSION = '2.30.1';

const info = {
  swift: {
    version: SWIFT_VERSION,
    ...swiftLimits,
    strict_cors_mode: true,
    allow_account_management: false,
    account_autocreate: true,
    policies: [{ name: POLICY_NAME, default: true, aliases: POLICY_NAME }],
  },
  tempauth: { account_acls: true },
};

// oxlint-disable-next-line require-await
export const getInfo: Operation = async ({ reply }) => {
  reply.body(200, 'application/json; charset=UTF-8', JSON.stringify(info));
};
