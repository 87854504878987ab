// What a request asks of its answer's form, as a constraint of the generation. Grammars are a chunk that is fetched when the
// first such request comes. Knows no grammar.
import type {TokenConstraint} from '../chat/token-constraint.ts';
import type {AnswerForms, FormedRequest, Thoughts} from '../grammar/index.ts';
import {ours} from '../protocol/foreign-error.ts';
import {inSlices} from '../tokenizer/pieces.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';

const forms = new WeakMap<Tokenizer, Promise<AnswerForms>>();

/**
 * Undefined where the answer has no form.
 * @throws GemmaError `grammar-invalid` for what cannot be enforced
 */
export async function constraintOf(
  tokenizer: Tokenizer,
  request: FormedRequest,
  thoughts: Thoughts,
): Promise<TokenConstraint | undefined> {
  const {response_format, tool_choice = 'none', tools} = request;
  if (!response_format && tool_choice === 'none' && !tools?.some((tool) => tool.function.strict)) return undefined;
  try {
    return await (await formsOf(tokenizer)).constrain(request, thoughts);
  } catch (error) {
    throw ours(error);
  }
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
