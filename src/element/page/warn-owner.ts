// Tells the site's owner, in the console, what only they can mend: the code, what was found, what to do. Each thing once.
import type {GemmaError} from '../../errors.ts';

const told = new Set<string>();

export async function warnOwner({code, message}: GemmaError): Promise<void> {
  const key = `${code} ${message}`;
  if (told.has(key)) return;
  told.add(key);
  const remedy = await import('./owner-advice.ts').then(
    ({remedyOf}) => remedyOf(code),
    () => 'Copy the folder chunks/ beside the script, too.',
  );
  console.warn(`<gemma-chat>: ${code}: ${message}\n${remedy}\nSee docs/errors.md#${code}.`);
}
