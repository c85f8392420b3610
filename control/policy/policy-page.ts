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

export function policyPage(routes: readonly PolicedRoute[]): string {
  const rows = Object.entries(policy).map(([operation, allowances]) => {
    const own = routes.filter((route) => route.operation === operation);
    const requests = own.map(({ method, path }) => `\`${method} /v3${path}\``).join('<br>');
    const mark = own.some(({ isDelegable }) => isDelegable === false) ? ' *' : '';
    return `| \`${operation}\`${mark} | ${requests} | ${allowances.map(allowanceText).join('; ')} |\n`;
  });
  const open = routes.filter(({ operation }) => operation === 'public');
  const publicRows = open.map(({ method, path }) => `| none | \`${method} /v3${path}\` | anybody |\n`);
  return HEAD + rows.join('') + publicRows.join('');
}
