/** Every API that asks the policy, for the page and for the test that walks them. */
import { FailureLimit } from '../api/failure-limit.ts';
import { identityRoutes } from '../identity/api/identity-routes.ts';
import { version2Routes } from '../identity/api/version2.ts';
import { serviceRoutes } from '../membership/service-routes.ts';
import { usageRoutes } from '../metering/usage-routes.ts';
import { quotaRoutes } from '../quota/quota-routes.ts';
import { unifiedLimitRoutes } from '../quota/unified-limits.ts';
import type { PolicedApi } from './policy-page.ts';

export function policedApis(): readonly PolicedApi[] {
  const nothing = () => {
    throw new Error('a page of routes handles none');
  };
  return [
    {
      prefix: '/v3',
      routes: [...identityRoutes(new FailureLimit(1, () => 0)), ...unifiedLimitRoutes(nothing)],
    },
    { prefix: '/v2.0', routes: version2Routes(new FailureLimit(1, () => 0)) },
    { prefix: '/v1', routes: [...usageRoutes(nothing), ...quotaRoutes(nothing), ...serviceRoutes(nothing)] },
  ];
}
