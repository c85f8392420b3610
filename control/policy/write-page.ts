/** Writes docs/policy.md from the table itself: `node control/policy/write-page.ts`. */
import { writeFileSync } from 'node:fs';
import { FailureLimit } from '../api/failure-limit.ts';
import { identityRoutes } from '../identity/api/identity-routes.ts';
import { policyPage } from './policy-page.ts';

const routes = identityRoutes(new FailureLimit(1, () => 0));
writeFileSync(new URL('../../docs/policy.md', import.meta.url), policyPage(routes));
