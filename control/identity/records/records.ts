/**
 * What identity keeps, as docs/formats/identity.md has it: the Identity API's own representations without their links, so
 * that attributes which only a client knows (`email`) are kept as they come.
 */

interface Extensible {
  readonly id: string;
  /** Attributes that clients add. */
  readonly [attribute: string]: unknown;
}

export interface DomainRecord extends Extensible {
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
}

export interface ProjectRecord extends Extensible {
  readonly name: string;
  readonly domain_id: string;
  /** Another project, or the domain. */
  readonly parent_id: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly tags: readonly string[];
}

export interface UserOptions {
  readonly ignore_change_password_upon_first_use?: boolean;
  readonly ignore_password_expiry?: boolean;
  readonly ignore_lockout_failure_attempts?: boolean;
  readonly lock_password?: boolean;
}

export interface UserRecord extends Extensible {
  readonly name: string;
  readonly domain_id: string;
  readonly enabled: boolean;
  readonly default_project_id?: string | null;
  readonly options: UserOptions;
}

export interface GroupRecord extends Extensible {
  readonly name: string;
  readonly domain_id: string;
  readonly description: string;
}

export interface RoleRecord extends Extensible {
  readonly name: string;
  /** Null: good in every domain. */
  readonly domain_id: string | null;
  readonly description: string | null;
}

export interface RegionRecord extends Extensible {
  readonly description: string;
  readonly parent_region_id: string | null;
}

export interface ServiceRecord extends Extensible {
  readonly type: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
}

export const endpointInterfaces = ['public', 'internal', 'admin'] as const;

export interface EndpointRecord extends Extensible {
  readonly service_id: string;
  readonly region_id: string | null;
  readonly interface: (typeof endpointInterfaces)[number];
  readonly url: string;
  readonly enabled: boolean;
}

/** `/v3/credentials`; an EC2 credential's id is the SHA-256 of its access key, so that a key finds it at once. */
export interface CredentialRecord extends Extensible {
  readonly type: string;
  readonly user_id: string;
  readonly project_id: string | null;
  /** Sealed (control/protocol/sealed-secret.ts). Of type `ec2`: the secret; else all of the blob. */
  readonly sealed: string;
  /** Of type `ec2`. */
  readonly access?: string;
  /** The application credential in whose name it was made, and with which it ends. */
  readonly app_cred_id?: string;
}

export interface AccessRuleRecord extends Extensible {
  readonly user_id: string;
  readonly service: string;
  readonly method: string;
  readonly path: string;
}

export interface ApplicationCredentialRecord extends Extensible {
  readonly user_id: string;
  readonly name: string;
  readonly description: string;
  readonly project_id: string;
  readonly role_ids: readonly string[];
  readonly unrestricted: boolean;
  /** ISO 8601, or null. */
  readonly expires_at: string | null;
  readonly access_rule_ids: readonly string[] | null;
  readonly secret_hash: string;
}
