// Tells the site's owner, in the console, what only they can mend: the code, what was found, what to do. Each thing once.
import type {GemmaError} from '../../errors.ts';

const told = new Set<string>();

/** A model that will load and not chat. */
export function warnOfPretrained(name: string): void {
  tell(
    'base-model',
    `${name} looks like a pretrained base model, which continues texts and answers no question`,
    'Take the instruction-tuned file of the same model: its name has "-it" in it.',
    'docs/models.md#a-file-that-cannot-chat',
  );
}

/** One `console.warn` for each code and message. */
export async function warnOwner({code, message}: GemmaError): Promise<void> {
  const remedy = await import('./owner-advice.ts').then(
    ({remedyOf}) => remedyOf(code),
    () => 'Copy the folder chunks/ beside the script, too.',
  );
  tell(code, message, remedy, `docs/errors.md#${code}`);
}

function tell(code: string, message: string, remedy: string, page: string): void {
  const key = `${code} ${message}`;
  if (told.has(key)) return;
  told.add(key);
  console.warn(`<gemma-chat>: ${code}: ${message}\n${remedy}\nSee ${page}.`);
}
