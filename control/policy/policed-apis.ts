/** Every API that asks the policy, for the page and for the test that walks them. */
import { FailureLimit } from '../api/failure-limit.ts';
import { identityRoutes } from '../identity/api/identity-routes.ts';
import type { PolicedApi } from './policy-page.ts';

export function policedApis(): readonly PolicedApi[] {
  return [{ prefix: '/v3', routes: identityRoutes(new FailureLimit(1, () => 0)) }];
}
