/** docs/policy.md: who may do what, and by which request. */
import { policy } from './policy.ts';
import { allowanceText } from './rules.ts';

export interface PolicedRoute {
  readonly method: string;
  readonly path: string;
  readonly operation: string;
  readonly isDelegable?: false;
}

const HEAD = `# Policy

Who may do what. Every API asks this table (\`control/policy/\`), and nothing else decides. A role has to be in the token, and the token has to be good where it says:

- *on a project or the system*: whatever project that is; an administrator of the cloud has the role there;
- *on the system*, *on the domain*, *on the project*: the token's scope is the system, or the very domain or project that is asked about;
- *the user*: the token is the user's whom it is about, whatever its scope and roles.

admin implies manager, which implies member, which implies reader. What is marked with * can't be done with a restricted application credential, nor with a token that was got by EC2 keys.

This page is written from the table by \`node control/policy/write-page.ts\`.

| operation | request | who |
|---|---|---|
`;

export interface PolicedApi {
  /** Where its routes are. */
  readonly prefix: string;
  readonly routes: readonly PolicedRoute[];
}

export function policyPage(apis: readonly PolicedApi[]): string {
  const requests = apis.flatMap(({ prefix, routes }) =>
    routes.map((route) => ({ ...route, text: `\`${route.method} ${prefix}${route.path}\`` })),
  );
  const rows = Object.entries(policy).map(([operation, allowances]) => {
    const own = requests.filter((request) => request.operation === operation);
    if (own.length === 0) return '';
    const mark = own.some(({ isDelegable }) => isDelegable === false) ? ' *' : '';
    const where = own.map(({ text }) => text).join('<br>');
    return `| \`${operation}\`${mark} | ${where} | ${allowances.map(allowanceText).join('; ')} |\n`;
  });
  const open = requests.filter(({ operation }) => operation === 'public');
  return HEAD + rows.join('') + open.map(({ text }) => `| none | ${text} | anybody |\n`).join('');
}
