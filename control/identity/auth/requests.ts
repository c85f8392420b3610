/** The body of `POST /v3/auth/tokens` (Identity API v3, "Password authentication" and those that follow it). */

/** By id, or by name; a name needs the domain that it is in. */
export interface DomainReference {
  readonly id?: string;
  readonly name?: string;
}

export interface Reference extends DomainReference {
  readonly domain?: DomainReference;
}

export interface ScopeRequest {
  readonly project?: Reference;
  readonly domain?: DomainReference;
  readonly system?: { readonly all: true };
}

export interface AuthRequest {
  readonly identity: {
    readonly methods: readonly string[];
    readonly password?: { readonly user: Reference & { readonly password: string } };
    readonly token?: { readonly id: string };
    readonly application_credential?: Reference & { readonly user?: Reference; readonly secret: string };
  };
  readonly scope?: 'unscoped' | ScopeRequest;
}

const text = { type: 'string', minLength: 1, maxLength: 255 } as const;
const domain = { type: 'object', properties: { id: text, name: text } } as const;
const reference = { type: 'object', properties: { id: text, name: text, domain } } as const;
const secret = { type: 'string', maxLength: 1024 } as const;

export const authRequestSchema = {
  type: 'object',
  required: ['auth'],
  properties: {
    auth: {
      type: 'object',
      required: ['identity'],
      properties: {
        identity: {
          type: 'object',
          required: ['methods'],
          properties: {
            methods: { type: 'array', minItems: 1, maxItems: 4, items: text },
            password: {
              type: 'object',
              required: ['user'],
              properties: {
                user: {
                  type: 'object',
                  required: ['password'],
                  properties: { ...reference.properties, password: secret },
                },
              },
            },
            token: {
              type: 'object',
              required: ['id'],
              properties: { id: { type: 'string', minLength: 1, maxLength: 16_384 } },
            },
            application_credential: {
              type: 'object',
              required: ['secret'],
              properties: { ...reference.properties, user: reference, secret },
            },
          },
        },
        scope: {
          anyOf: [
            { const: 'unscoped' },
            {
              type: 'object',
              properties: {
                project: reference,
                domain,
                system: { type: 'object', required: ['all'], properties: { all: { const: true } } },
              },
            },
          ],
        },
      },
    },
  },
} as const;
