// Renders a model file's Jinja template within bounds: such a template is somebody else's program, and one that loops or
// grows without end must fail, not hold the worker that answers every tab. Knows no messages and no model.
import {Environment, Interpreter, Template} from '@huggingface/jinja';

/** Published templates of Gemma have up to 17,000 characters. */
const MAX_SOURCE = 2 ** 18;
/**
 * What a rendering may cost: a step an expression or statement, more where a value is large. With Gemma 4 31B's template
 * a chat of 200 messages, half of them calls and their answers, costs 160,000, one of 1,000 messages 2,900,000 (it looks
 * through the whole chat for every call). So many steps take some seconds.
 */
const MAX_STEPS = 4_000_000;
/** Characters of any text on the way. Message texts are not in it: they are put in afterwards. */
const MAX_TEXT = 2 ** 22;
const MAX_RANGE = 100_000;
/** A long text or list costs a step more for so many characters or entries. */
const CHARACTERS_A_STEP = 64;
const ENTRIES_A_STEP = 16;
/** A turn of a loop, or a call, has scopes and variables to make. */
const STEPS_A_SCOPE = 8;

export interface TemplateBounds {
  /** Default 4,000,000. */
  maxSteps?: number;
}

type Evaluate = Interpreter['evaluate'];
type Node = Parameters<Evaluate>[0];
type Scope = Parameters<Evaluate>[1];
type Value = ReturnType<Evaluate>;

export class BoundedTemplate {
  readonly #program: Template['parsed'];
  readonly #sourceLength: number;
  readonly #maxSteps: number;

  /** @throws Error what does not parse, or is longer than any template */
  constructor(source: string, {maxSteps = MAX_STEPS}: TemplateBounds = {}) {
    if (source.length > MAX_SOURCE) {
      throw new RangeError(`it has ${source.length} characters; at most ${MAX_SOURCE} are supported`);
    }
    this.#program = new Template(source).parsed;
    this.#sourceLength = source.length;
    this.#maxSteps = maxSteps;
  }

  /** @throws Error the template's own refusal, its mistakes, or what goes beyond the bounds */
  render(variables: Record<string, unknown>): string {
    const scope = new Environment();
    for (const [name, value] of Object.entries({...GLOBALS, ...variables})) scope.set(name, value);
    return String(new BoundedInterpreter(scope, this.#sourceLength, this.#maxSteps).run(this.#program).value);
  }
}

const GLOBALS: Record<string, unknown> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  range,
  strftime_now: strftimeNow,
  raise_exception: (message: unknown) => {
    throw new Error(String(message));
  },
};

class BoundedInterpreter extends Interpreter {
  /** A macro costs more to define: its whole body is looked through. */
  readonly #macroSteps: number;
  readonly #iterables = new WeakSet<object>();
  readonly #maxSteps: number;
  #steps = 0;

  constructor(scope: Environment, sourceLength: number, maxSteps: number) {
    super(scope);
    this.#maxSteps = maxSteps;
    this.#macroSteps = Math.ceil(sourceLength / 16);
  }

  override evaluate(node: Node, scope: Scope): Value {
    this.#charge(node?.type === 'CallExpression' ? STEPS_A_SCOPE : 1);
    if (node?.type === 'Macro' || node?.type === 'CallStatement') this.#charge(this.#macroSteps);
    if (node?.type === 'For') this.#noteIterable(node);
    const value = super.evaluate(node, scope);
    const found: unknown = value.value;
    if (typeof found === 'string') {
      if (found.length > MAX_TEXT) throw new RangeError(`a text of it has more than ${MAX_TEXT} characters`);
      this.#charge(found.length / CHARACTERS_A_STEP);
    } else if (Array.isArray(found) || found instanceof Map) {
      const entries = Array.isArray(found) ? found.length : found.size;
      // A loop visits each, even if there is nothing in its body to evaluate.
      this.#charge(node && this.#iterables.has(node) ? entries * STEPS_A_SCOPE : entries / ENTRIES_A_STEP);
    }
    return value;
  }

  #noteIterable(node: object): void {
    const {iterable} = node as {iterable: {type: string; lhs?: object}};
    this.#iterables.add(iterable.type === 'SelectExpression' && iterable.lhs ? iterable.lhs : iterable);
  }

  #charge(steps: number): void {
    this.#steps += steps;
    if (this.#steps > this.#maxSteps) {
      throw new RangeError(`it takes more than ${this.#maxSteps} steps for these messages`);
    }
  }
}

/** Python's `range`, of bounded length. */
function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= MAX_RANGE)) throw new RangeError(`range() of ${length} numbers; at most ${MAX_RANGE} are supported`);
  return Array.from({length}, (_, i) => start + i * step);
}

/** Python's `strftime` of now, as far as templates use it. */
function strftimeNow(format: string): string {
  const now = new Date();
  const two = (value: number): string => String(value).padStart(2, '0');
  const month = (style: 'long' | 'short'): string => now.toLocaleString('en', {month: style});
  const fields: Record<string, () => string> = {
    '%Y': () => String(now.getFullYear()),
    '%m': () => two(now.getMonth() + 1),
    '%d': () => two(now.getDate()),
    '%B': () => month('long'),
    '%b': () => month('short'),
    '%H': () => two(now.getHours()),
    '%M': () => two(now.getMinutes()),
    '%%': () => '%',
  };
  return format.replace(/%[YmdBbHM%]/g, (field) => fields[field]());
}
