// What a request asks of its answer's form, as a constraint of the generation. Grammars are a chunk that is fetched when the
// first such request comes. Knows no grammar.
import type {TokenConstraint} from '../chat/token-constraint.ts';
import type {AnswerForms, AnswerRules, Thoughts} from '../grammar/index.ts';
import {ours} from '../protocol/foreign-error.ts';
import type {ChatRequest, GenerationOptions, ToolDefinition} from '../protocol/messages.ts';
import {inSlices} from '../tokenizer/pieces.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';

const forms = new WeakMap<Tokenizer, Promise<AnswerForms>>();

/** What of a request says something about its answer's form. */
type Asked = GenerationOptions & Partial<Pick<ChatRequest, 'tools'>>;

/**
 * Undefined where the answer has no form.
 * @throws GemmaError `grammar-invalid` for what cannot be enforced
 */
export async function constraintOf(
  tokenizer: Tokenizer,
  request: Asked,
  thoughts: Thoughts,
): Promise<TokenConstraint | undefined> {
  const rules = rulesOf(request);
  if (!rules) return undefined;
  try {
    const made = await formsOf(tokenizer);
    return await made.constrain(rules, thoughts);
  } catch (error) {
    throw ours(error);
  }
}

function rulesOf({response_format: asked, tools = []}: Asked): AnswerRules | null {
  const format = asked === undefined || asked.type === 'text' ? null : asked;
  if (!format && !tools.some(isStrict)) return null;
  return {
    format,
    tools: tools.map((tool) => ({
      name: tool.function.name,
      parameters: tool.function.parameters,
      strict: isStrict(tool),
    })),
    mustCall: false,
    parallel: true,
  };
}

function isStrict(tool: ToolDefinition): boolean {
  return tool.function.strict === true;
}

function formsOf(tokenizer: Tokenizer): Promise<AnswerForms> {
  let made = forms.get(tokenizer);
  if (!made) {
    made = import('../grammar/index.ts').then(({AnswerForms}) => new AnswerForms(tokenizer, inSlices));
    forms.set(tokenizer, made);
    // It could not be fetched: the next request tries again.
    made.catch(() => forms.delete(tokenizer));
  }
  return made;
}
