/**
 * The claims of a request: who says to have signed what, when. Nothing is verified here but their form.
 * (Amazon S3 API Reference, "Using the Authorization Header" and "Using Query Parameters".)
 */
import { AuthenticationError } from './authentication.ts';

export interface CredentialScope {
  readonly accessKey: string;
  /** `20130524` */
  readonly date: string;
  readonly region: string;
  /** `20130524/us-east-1/s3/aws4_request` */
  readonly text: string;
}

export interface Claims {
  readonly form: 'header' | 'query';
  readonly scope: CredentialScope;
  readonly signedHeaders: readonly string[];
  readonly signedHeadersText: string;
  /** 64 lower-case hexadecimal digits. */
  readonly signature: string;
}

export const ALGORITHM = 'AWS4-HMAC-SHA256';
const SIGNED_HEADERS_MAX = 64;
const AUTHORIZATION_LENGTH_MAX = 4096;
const HEX_64 = /^[0-9a-f]{64}$/;
const SIGNED_HEADERS = /^[a-z0-9!#$%&'*+.^_`|~-]+(?:;[a-z0-9!#$%&'*+.^_`|~-]+)*$/;
const WHOLE_CREDENTIAL = /^([\x21-\x2e\x30-\x7e]{1,128})\/(\d{8})\/([A-Za-z0-9-]{1,64})\/s3\/aws4_request$/;

/** The error that either form gives for a malformed claim. */
export function malformed(
  form: 'header' | 'query',
  what: string,
  fields?: Readonly<Record<string, string>>,
): AuthenticationError {
  return form === 'header'
    ? new AuthenticationError(
        'AuthorizationHeaderMalformed',
        `The authorization header is malformed; ${what}`,
        fields,
      )
    : new AuthenticationError('AuthorizationQueryParametersError', what, fields);
}

/** The refusal of Signature Version 2, of its query form, and of SigV4A. */
export function unsupportedMechanism(): AuthenticationError {
  return new AuthenticationError(
    'InvalidRequest',
    `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
  );
}

/** `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`; the spaces behind the commas may be missing. */
export function parseAuthorizationHeader(value: string): Claims {
  if (value.length > AUTHORIZATION_LENGTH_MAX) throw malformed('header', 'the header is too long.');
  const space = value.indexOf(' ');
  const scheme = space < 0 ? value : value.slice(0, space);
  if (scheme !== ALGORITHM) throw unknownScheme(scheme);
  let credential: string | undefined;
  let signedHeaders: string | undefined;
  let signature: string | undefined;
  for (const part of value.slice(scheme.length).split(',')) {
    const text = part.trim();
    if (text.startsWith('Credential=')) credential = text.slice(11);
    else if (text.startsWith('SignedHeaders=')) signedHeaders = text.slice(14);
    else if (text.startsWith('Signature=')) signature = text.slice(10);
    else throw malformed('header', 'it has a part that is not known.');
  }
  if (credential === undefined) throw malformed('header', 'missing Credential.');
  if (signedHeaders === undefined) throw malformed('header', 'missing SignedHeaders.');
  if (signature === undefined) throw malformed('header', 'missing Signature.');
  return claims('header', credential, signedHeaders, signature);
}

function unknownScheme(scheme: string): AuthenticationError {
  if (scheme === 'AWS' || scheme.startsWith('AWS4-')) return unsupportedMechanism();
  return new AuthenticationError('InvalidArgument', 'Unsupported Authorization Type', {
    // Its value may be a secret that was put into the wrong place: it is not repeated.
    ArgumentName: 'Authorization',
  });
}

export function claims(
  form: 'header' | 'query',
  credential: string,
  signedHeadersText: string,
  signature: string,
): Claims {
  const signedHeaders = signedHeadersText.split(';');
  if (signedHeaders.length > SIGNED_HEADERS_MAX) throw malformed(form, 'too many SignedHeaders.');
  if (!SIGNED_HEADERS.test(signedHeadersText)) {
    throw malformed(form, 'SignedHeaders must be names in lower case.');
  }
  if (!HEX_64.test(signature)) throw malformed(form, 'the Signature must be 64 hexadecimal digits.');
  return { form, scope: parseScope(form, credential), signedHeaders, signedHeadersText, signature };
}

export function parseScope(form: 'header' | 'query', credential: string): CredentialScope {
  const [, accessKey, date, region] = WHOLE_CREDENTIAL.exec(credential) ?? [];
  if (accessKey !== undefined && date !== undefined && region !== undefined) {
    return { accessKey, date, region, text: credential.slice(accessKey.length + 1) };
  }
  const [, givenDate = '', , service, terminator, ...more] = credential.split('/');
  if (terminator !== undefined && more.length === 0) {
    if (!/^\d{8}$/.test(givenDate)) throw malformed(form, 'invalid credential date.');
    if (service !== 's3') throw malformed(form, 'incorrect service. This endpoint belongs to "s3".');
    if (terminator !== 'aws4_request') {
      throw malformed(form, 'incorrect terminal. This endpoint uses "aws4_request".');
    }
  }
  throw malformed(
    form,
    'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
  );
}
