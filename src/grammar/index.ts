// Answers of a given form: what the worker's lazy chunk gives. One `AnswerForms` a model; it remembers the last grammars, with
// the masks that were made for them.
import type {ChatRequest, GenerationOptions, ToolDefinition} from '../protocol/messages.ts';
import {AnswerConstraint, type AnswerMasks, type Thoughts} from './answer-constraint.ts';
import {Automaton} from './automaton.ts';
import {type AnswerRules, compileAnswer} from './compile.ts';
import type {Grammar} from './grammar.ts';
import {Masks} from './masks.ts';
import {refuse} from './refusal.ts';
import {makeVocabulary, type Tags, type TokenSource, tagsOf, type Vocabulary} from './vocabulary.ts';

export type {Thoughts} from './answer-constraint.ts';
export type {AnswerRules} from './compile.ts';

/** What of a request says something about its answer's form. */
export type FormedRequest = Pick<GenerationOptions, 'response_format'> &
  Partial<Pick<ChatRequest, 'tool_choice' | 'parallel_tool_calls'>> & {tools?: readonly ToolDefinition[]};

/** @throws GemmaError `grammar-invalid` for a call of a tool that is not there */
function rulesOf(request: FormedRequest): AnswerRules | null {
  const {response_format: asked, tools = [], tool_choice: choice, parallel_tool_calls: parallel = true} = request;
  const format = asked === undefined || asked.type === 'text' ? null : asked;
  const named = typeof choice === 'object' ? choice.name : null;
  const mustCall = named !== null || choice === 'required';
  const callable = choice === 'none' ? [] : tools.filter((tool) => named === null || tool.function.name === named);
  if (mustCall && callable.length === 0) throw refuse('tool_choice asks for a tool that is not among tools');
  if (!format && !mustCall && !callable.some((tool) => tool.function.strict)) return null;
  return {
    format,
    tools: callable.map(({function: {name, parameters, strict = false}}) => ({name, parameters, strict})),
    mustCall,
    parallel: parallel && named === null,
  };
}

/** Grammars that are remembered, each with up to 10 MiB of masks at 262,144 tokens. */
const MAX_REMEMBERED = 4;

/** Runs work in pieces. */
type Run = <T>(work: Generator<void, T, void>) => Promise<T>;

/** Forms of one model's answers. */
export class AnswerForms {
  readonly #source: TokenSource;
  readonly #tags: Tags;
  readonly #run: Run;
  #vocabulary: Promise<Vocabulary> | null = null;
  readonly #remembered = new Map<string, Promise<AnswerMasks>>();

  /** @param run runs long work while others are served */
  constructor(source: TokenSource, run: Run) {
    this.#source = source;
    this.#tags = tagsOf({idOf: (text) => source.idOf(text)});
    this.#run = run;
  }

  /**
   * Undefined where the request asks for no form.
   * @throws GemmaError `grammar-invalid` for what cannot be enforced, before anything else is done
   */
  async constrain(request: FormedRequest, thoughts: Thoughts): Promise<AnswerConstraint | undefined> {
    const rules = rulesOf(request);
    return rules ? this.follow(rules, thoughts) : undefined;
  }

  /** @throws GemmaError `grammar-invalid` */
  async follow(rules: AnswerRules, thoughts: Thoughts): Promise<AnswerConstraint> {
    let masks = await this.#masks(rules);
    if ([masks.whole, masks.call].some((each) => each?.automaton.isWorn)) {
      this.#remembered.delete(JSON.stringify(rules));
      masks = await this.#masks(rules);
    }
    return new AnswerConstraint(await this.#tokens(), masks, thoughts);
  }

  /** The model's tokens, made once. */
  #tokens(): Promise<Vocabulary> {
    this.#vocabulary ??= this.#run(makeVocabulary(this.#source)).catch((error) => {
      this.#vocabulary = null;
      throw error;
    });
    return this.#vocabulary;
  }

  #masks(rules: AnswerRules): Promise<AnswerMasks> {
    const key = JSON.stringify(rules);
    let masks = this.#remembered.get(key);
    if (masks) this.#remembered.delete(key);
    else {
      masks = this.#make(rules);
      masks.catch(() => this.#remembered.delete(key));
      if (this.#remembered.size >= MAX_REMEMBERED) {
        this.#remembered.delete(this.#remembered.keys().next().value!);
      }
    }
    this.#remembered.set(key, masks);
    return masks;
  }

  async #make(rules: AnswerRules): Promise<AnswerMasks> {
    const {whole, call} = compileAnswer(rules, this.#tags.call);
    const {runs} = await this.#tokens();
    const masksOf = (grammar: Grammar | null): Masks | null => {
      if (!grammar) return null;
      const masks = new Masks(new Automaton(grammar), runs);
      // While the prompt is computed.
      void this.#run(masks.prepare()).catch(() => {});
      return masks;
    };
    return {whole: masksOf(whole), call: masksOf(call)};
  }
}
