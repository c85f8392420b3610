/** Every operation of the Identity API v3 that is served. */
import type { FailureLimit } from '../../api/failure-limit.ts';
import type { Route } from '../../api/route.ts';
import { accessRuleRoutes, applicationCredentialRoutes } from './application-credentials.ts';
import { authRoutes } from './auth.ts';
import { endpointRoutes, regionRoutes, serviceRoutes } from './catalogue.ts';
import { credentialRoutes } from './credentials.ts';
import { domainRoutes } from './domains.ts';
import { ec2CredentialRoutes } from './ec2-credentials.ts';
import { grantRoutes } from './grants.ts';
import { groupRoutes, memberRoutes } from './groups.ts';
import { keyTokenRoutes } from './key-tokens.ts';
import { ownPasswordRoutes } from './own-password.ts';
import { projectTagRoutes } from './project-tags.ts';
import { projectRoutes } from './projects.ts';
import { roleAssignmentRoutes } from './role-assignments.ts';
import { impliedRoleRoutes, roleRoutes } from './roles.ts';
import { userRoutes } from './users.ts';

export function identityRoutes(failures: FailureLimit): readonly Route[] {
  return [
    ...authRoutes(failures),
    ...keyTokenRoutes(failures),
    ...domainRoutes,
    ...projectRoutes,
    ...projectTagRoutes,
    ...userRoutes,
    ...ownPasswordRoutes(failures),
    ...groupRoutes,
    ...memberRoutes,
    ...roleRoutes,
    ...impliedRoleRoutes,
    ...grantRoutes,
    ...roleAssignmentRoutes,
    ...regionRoutes,
    ...serviceRoutes,
    ...endpointRoutes,
    ...credentialRoutes,
    ...ec2CredentialRoutes,
    ...applicationCredentialRoutes,
    ...accessRuleRoutes,
  ];
}
