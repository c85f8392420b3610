/** `*` stands for any run of characters, `?` for one: patterns of bucket policies. */

const STAR = 0x2a;
const QUESTION = 0x3f;
/** Stand, in a pattern, for the two characters themselves: private code points, so that no policy writes them by chance. */
const LITERAL_STAR = 0xe000;
const LITERAL_QUESTION = 0xe001;

/** Text that a pattern is to match as it is. */
export function quoteWildcards(text: string): string {
  return text.replace(/[*?]/g, (found) =>
    String.fromCharCode(found === '*' ? LITERAL_STAR : LITERAL_QUESTION),
  );
}

function same(wanted: number, given: number): boolean {
  if (wanted === LITERAL_STAR) return given === STAR;
  return wanted === LITERAL_QUESTION ? given === QUESTION : wanted === given;
}

/**
 * Whether the whole text fits the pattern. One star is gone back to at most, the last: at worst it takes the product of the
 * two lengths, which the limits of policies and keys bound.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  let at = 0;
  let within = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    const wanted = pattern.charCodeAt(within);
    if (within < pattern.length && wanted === STAR) {
      star = within++;
      resume = at;
    } else if (within < pattern.length && (wanted === QUESTION || same(wanted, text.charCodeAt(at)))) {
      within += 1;
      at += 1;
    } else if (star >= 0) {
      within = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (within < pattern.length && pattern.charCodeAt(within) === STAR) within += 1;
  return within === pattern.length;
}

export function hasWildcard(text: string): boolean {
  return text.includes('*') || text.includes('?');
}
