/**
 * Who may do what in identity. The roles are those of OpenStack's secure RBAC ("Consistent and Secure Default Policies"): what Keystone's own
 * policy says, but for one thing: an admin of a domain is no admin of the cloud.
 */
import type { Allowance } from './rules.ts';

const admin: Allowance = { role: 'admin', scope: 'cloud' };
const systemReader: Allowance = { role: 'reader', scope: 'system' };
const domainAdmin: Allowance = { role: 'admin', scope: 'domain', own: 'domain' };
const domainManager: Allowance = { role: 'manager', scope: 'domain', own: 'domain' };
const domainReader: Allowance = { role: 'reader', scope: 'domain', own: 'domain' };
const projectReader: Allowance = { role: 'reader', scope: 'project', own: 'project' };
const service: Allowance = { role: 'service', scope: 'cloud' };
const owner: Allowance = { scope: 'anywhere', own: 'user' };
const anybody: Allowance = { scope: 'anywhere' };

const cloudReaders = [admin, systemReader];
const domainReaders = [...cloudReaders, domainAdmin, domainReader];
const domainWriters = [admin, domainAdmin, domainManager];
const granting: readonly Allowance[] = [
  admin,
  { ...domainAdmin, grantable: ['manager', 'member', 'reader'] },
  { ...domainManager, grantable: ['manager', 'member', 'reader'] },
];

export const identityPolicy = {
  'identity:validate_token': [admin, systemReader, service, owner],
  'identity:revoke_token': [admin, service, owner],
  'identity:get_auth_catalog': [anybody],
  'identity:get_auth_projects': [anybody],
  'identity:get_auth_domains': [anybody],
  'identity:get_auth_system': [anybody],
  'identity:ec2tokens_validate': [admin, service],
  'identity:s3tokens_validate': [admin, service],

  'identity:list_domains': domainReaders,
  'identity:get_domain': domainReaders,
  'identity:create_domain': [admin],
  'identity:update_domain': [admin],
  'identity:delete_domain': [admin],

  'identity:list_projects': domainReaders,
  'identity:get_project': [...domainReaders, projectReader],
  'identity:create_project': domainWriters,
  'identity:update_project': domainWriters,
  'identity:delete_project': domainWriters,
  'identity:list_project_tags': [...domainReaders, projectReader],
  'identity:get_project_tag': [...domainReaders, projectReader],
  'identity:update_project_tags': domainWriters,
  'identity:create_project_tag': domainWriters,
  'identity:delete_project_tag': domainWriters,
  'identity:delete_project_tags': domainWriters,

  'identity:list_users': domainReaders,
  'identity:get_user': [...domainReaders, owner],
  'identity:create_user': domainWriters,
  'identity:update_user': domainWriters,
  'identity:delete_user': domainWriters,
  'identity:list_user_projects': [...domainReaders, owner],

  'identity:list_groups': domainReaders,
  'identity:get_group': domainReaders,
  'identity:list_groups_for_user': [...domainReaders, owner],
  'identity:create_group': domainWriters,
  'identity:update_group': domainWriters,
  'identity:delete_group': domainWriters,
  'identity:list_users_in_group': domainReaders,
  'identity:check_user_in_group': domainReaders,
  'identity:add_user_to_group': domainWriters,
  'identity:remove_user_from_group': domainWriters,

  'identity:list_roles': [anybody],
  'identity:get_role': [anybody],
  'identity:create_role': [admin],
  'identity:update_role': [admin],
  'identity:delete_role': [admin],
  'identity:list_implied_roles': cloudReaders,
  'identity:get_implied_role': cloudReaders,
  'identity:create_implied_role': [admin],
  'identity:delete_implied_role': [admin],
  'identity:list_role_inference_rules': cloudReaders,

  'identity:list_role_assignments': domainReaders,
  'identity:list_grants': domainReaders,
  'identity:check_grant': domainReaders,
  'identity:create_grant': granting,
  'identity:revoke_grant': granting,
  'identity:list_system_grants': cloudReaders,
  'identity:check_system_grant': cloudReaders,
  'identity:create_system_grant': [admin],
  'identity:revoke_system_grant': [admin],

  'identity:list_regions': [anybody],
  'identity:get_region': [anybody],
  'identity:create_region': [admin],
  'identity:update_region': [admin],
  'identity:delete_region': [admin],
  'identity:list_services': cloudReaders,
  'identity:get_service': cloudReaders,
  'identity:create_service': [admin],
  'identity:update_service': [admin],
  'identity:delete_service': [admin],
  'identity:list_endpoints': cloudReaders,
  'identity:get_endpoint': cloudReaders,
  'identity:create_endpoint': [admin],
  'identity:update_endpoint': [admin],
  'identity:delete_endpoint': [admin],

  'identity:list_credentials': [...cloudReaders, owner],
  'identity:get_credential': [...cloudReaders, owner],
  'identity:create_credential': [admin, owner],
  'identity:update_credential': [admin, owner],
  'identity:delete_credential': [admin, owner],
  'identity:ec2_list_credentials': [...cloudReaders, owner],
  'identity:ec2_get_credential': [...cloudReaders, owner],
  'identity:ec2_create_credential': [admin, owner],
  'identity:ec2_delete_credential': [admin, owner],

  'identity:list_application_credentials': [...cloudReaders, owner],
  'identity:get_application_credential': [...cloudReaders, owner],
  'identity:create_application_credential': [owner],
  'identity:delete_application_credential': [admin, owner],
  'identity:list_access_rules': [...cloudReaders, owner],
  'identity:get_access_rule': [...cloudReaders, owner],
  'identity:delete_access_rule': [admin, owner],
} as const satisfies Readonly<Record<string, readonly Allowance[]>>;
