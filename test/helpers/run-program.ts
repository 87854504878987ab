// Programs of the documentation, word for word: their imports are answered by what a test has, all else runs as it stands.
import type {CreateChat, GemmaClient, LoadOptions} from '../../src/client/gemma-client.ts';
import type {ChatCompletionParams, RequestOptions} from '../../src/client/shapes.ts';
import type {FakeWorker} from './fake-worker.ts';

/** The programs of a page, in order. */
export const programsOf = (page: string): string[] =>
  [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);

/** The client of a model that says what is likeliest. */
export function certain({
  chat,
  completions,
  models,
}: GemmaClient): Pick<GemmaClient, 'chat' | 'completions' | 'models'> {
  const create = ((params: object, options?: RequestOptions) =>
    chat.completions.create({temperature: 0, ...params} as ChatCompletionParams, options)) as CreateChat;
  return {chat: {completions: {create}}, completions, models};
}

/** `gemma-chat/client` of a page whose worker is a fake one. */
export const clientModule = (worker: FakeWorker) => ({
  GemmaClient: {load: async (given: LoadOptions) => certain(await worker.load(given))},
});

/**
 * Runs programs one after the other, as one module.
 * @param modules by the name that they are imported by; `default` is what an import without braces gets
 * @param then what to return, as an expression
 * @returns what they printed, joined, and what `then` gave
 */
export async function runProgram(
  code: string,
  modules: Readonly<Record<string, object>>,
  then = 'undefined',
): Promise<{printed: string; result: unknown}> {
  const seen = new Set<string>();
  const body = code.replace(/^import (.*?) from '(.*?)';$/gm, (_, names: string, from: string) => {
    if (!modules[from]) throw new Error(`the program imports ${from}, which the test does not have`);
    const wanted = names.startsWith('{') ? names.slice(1, -1).split(', ') : [`default: ${names}`];
    const left = wanted.filter((name) => !seen.has(name));
    for (const name of left) seen.add(name);
    return `const {${left.join(', ')}} = modules[${JSON.stringify(from)}];`;
  });
  const printed: unknown[] = [];
  const program = new Function('modules', 'print', `return (async () => {${body}\nreturn ${then};})()`);
  const result = await program(modules, (...said: unknown[]) => printed.push(said.join(' ')));
  return {printed: printed.join(''), result};
}
