/** Bodies as JSON that nests no deeper than any honest request does. */
import { badRequest } from '../identity/api-error.ts';

export const BODY_BYTES_MAX = 256 * 1024;
const DEPTH_MAX = 32;

/** Throws 400. */
export function parseJson(text: string): unknown {
  if (text === '') return undefined;
  checkDepth(text);
  try {
    // A key `__proto__` is an ordinary one to JSON.parse, but not to whoever copies it.
    return JSON.parse(text, (key, value: unknown) => (key === '__proto__' ? undefined : value));
  } catch (cause) {
    throw Object.assign(badRequest('The body is not JSON.'), { cause });
  }
}

/** Counted on the text, before anything recurses over it. */
function checkDepth(text: string): void {
  let depth = 0;
  let isInText = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (isInText) {
      if (character === '\\') at += 1;
      else if (character === '"') isInText = false;
    } else if (character === '"') isInText = true;
    else if (character === '{' || character === '[') {
      depth += 1;
      if (depth > DEPTH_MAX) throw badRequest(`The body nests deeper than ${DEPTH_MAX}.`);
    } else if (character === '}' || character === ']') depth -= 1;
  }
}
