// Renders a model file's Jinja template within bounds: such a template is someone else's program, and one that loops or
// grows without end must fail, not hold the worker that answers every tab. Knows no messages and no model.
import {Environment, Interpreter, Template} from '@huggingface/jinja';

/** Characters of a template. Published templates of Gemma have up to 17,000. */
const MAX_SOURCE = 2 ** 16;
/** White space in a row. The library's lexer takes time that grows with the square of it. */
const MAX_SPACE = 256;
/**
 * Steps of a rendering: one an expression or statement, more where a value is large. With Gemma 4 31B's template a chat
 * of 200 messages, half of them calls and their answers, takes 160,000, one of 1,000 messages 2,900,000 (it looks
 * through the whole chat for every call).
 */
const MAX_STEPS = 4_000_000;
/**
 * Milliseconds of a rendering, whatever its steps are: it cannot be left in between, and all chats wait for it. 4,000 steps
 * take one on a computer, so that the chat of 200 messages takes 40.
 */
const MAX_MS = 200;
/** Characters of any text on the way. Message texts are not in it: they are put in afterwards. */
const MAX_TEXT = 2 ** 20;
const MAX_RANGE = 100_000;
/** Characters of a message that a template raises, and of a date's format. */
const MAX_SHORT_TEXT = 500;
/** What is copied or compared costs a step more for so many characters or entries. */
const CHARACTERS_A_STEP = 64;
const ENTRIES_A_STEP = 16;
/** What goes through a filter or a method, a character or an entry at a time. */
const PIECES_A_STEP = 2;
/** Comparisons of an entry when a list is sorted: the logarithm of the longest. */
const SORT_COMPARISONS = 20;
/** A turn of a loop, or a call, has scopes and variables to make. */
const STEPS_A_SCOPE = 8;
/** How often the clock is looked at, in steps. */
const STEPS_A_LOOK = 256;

export interface TemplateBounds {
  /** Default 4,000,000. */
  maxSteps?: number;
  /** Default 200. */
  maxMs?: number;
}

type Evaluate = Interpreter['evaluate'];
type Node = NonNullable<Parameters<Evaluate>[0]>;
type Scope = Parameters<Evaluate>[1];
type Value = ReturnType<Evaluate>;

/** A parsed template that renders within its bounds. Throws plain Errors; template.ts gives them their code. */
export class BoundedTemplate {
  readonly #program: Program;
  readonly #bounds: Required<TemplateBounds>;

  /** @throws Error what does not parse, or is longer than any template */
  constructor(source: string, {maxSteps = MAX_STEPS, maxMs = MAX_MS}: TemplateBounds = {}) {
    if (source.length > MAX_SOURCE) {
      throw new RangeError(`it has ${source.length} characters; at most ${MAX_SOURCE} are supported`);
    }
    const space = longestSpace(source);
    if (space > MAX_SPACE) {
      throw new RangeError(`it has ${space} characters of white space in a row; at most ${MAX_SPACE} are supported`);
    }
    this.#program = new Program(new Template(source).parsed, source.length);
    this.#bounds = {maxSteps, maxMs};
  }

  /** @throws Error the template's own refusal, its mistakes, or what goes beyond the bounds */
  render(variables: Record<string, unknown>): string {
    // The library copies all messages first: that is in the time, too.
    const start = performance.now();
    const scope = new Environment();
    for (const [name, value] of Object.entries({...GLOBALS, ...variables})) scope.set(name, value);
    return new BoundedInterpreter(scope, this.#program, this.#bounds, start).render();
  }
}

function longestSpace(text: string): number {
  let longest = 0;
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    length = /\s/.test(text[i]) ? length + 1 : 0;
    if (length > longest) longest = length;
  }
  return longest;
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
    throw new Error(typeof message === 'string' ? message.slice(0, MAX_SHORT_TEXT) : 'the template refuses them');
  },
};

/** A parsed template, with what is to be known of its nodes before they are evaluated. */
class Program {
  readonly root: Template['parsed'];
  /** A macro costs more to define: its whole body is looked through. */
  readonly macroSteps: number;
  /** Nodes whose value is written into the prompt, or into the text of a block. */
  readonly written = new WeakSet<object>();
  /** Nodes whose value a loop goes through. */
  readonly iterated = new WeakSet<object>();

  constructor(root: Template['parsed'], sourceLength: number) {
    this.root = root;
    this.macroSteps = Math.ceil(sourceLength / 16);
    // Without recursion: a template may be nested deeper than the stack.
    const open: unknown[] = [root];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (typeof node !== 'object' || node === null) continue;
      const {type, body, alternate, defaultBlock, iterable} = node as Record<string, unknown>;
      for (const block of [body, alternate, defaultBlock]) {
        if (Array.isArray(block)) for (const statement of block) this.written.add(statement);
      }
      if (type === 'For') {
        const select = iterable as {type: string; lhs?: object};
        this.iterated.add(select.type === 'SelectExpression' && select.lhs ? select.lhs : select);
      }
      open.push(...(node instanceof Map ? [...node].flat() : Object.values(node)));
    }
  }
}

/** Filters that look at the entries of a list, or of an object, and not into them. */
const SHALLOW_FILTERS = new Set('default first get items keys last length list reverse safe values'.split(' '));
/** Filters that are given a number of spaces. */
const INDENTING_FILTERS = new Set(['indent', 'tojson']);
const SORTING_FILTERS = new Set(['sort', 'dictsort']);

/** An expression that is being evaluated, and how its operands are paid for. */
interface Frame {
  /**
   * `product`: the library may go through one operand for each piece of another; `sum`: through each once; `none`: through
   * their entries at most, which are paid for where they come from; `square`: of the sum.
   */
  readonly price: 'product' | 'square' | 'sum' | 'none';
  /** A number counts as so many spaces. */
  readonly indents: boolean;
  /** Product of the operands' sizes so far. */
  pieces: number;
  /** The first operand: of a member expression its object. */
  first: Value | null;
}

/**
 * The library's interpreter, with a price for everything. What a filter, a method or an operator of the library will do is
 * paid for before it runs, as its last operand is there: from then on nothing could stop it.
 */
class BoundedInterpreter extends Interpreter {
  readonly #program: Program;
  readonly #maxSteps: number;
  readonly #maxMs: number;
  readonly #deadline: number;
  #frame: Frame | null = null;
  #steps = 0;
  #nextLook = 0;

  constructor(scope: Environment, program: Program, {maxSteps, maxMs}: Required<TemplateBounds>, start: number) {
    super(scope);
    this.#program = program;
    this.#maxSteps = maxSteps;
    this.#maxMs = maxMs;
    this.#deadline = start + maxMs;
  }

  render(): string {
    return String(this.run(this.#program.root).value);
  }

  override evaluate(node: Node | undefined, scope: Scope): Value {
    if (!node) return super.evaluate(node, scope);
    this.#charge(node.type === 'CallExpression' ? STEPS_A_SCOPE : 1);
    if (node.type === 'Macro' || node.type === 'CallStatement') this.#charge(this.#program.macroSteps);
    const parent = this.#frame;
    const frame = newFrame(node);
    this.#frame = frame;
    let value: Value;
    try {
      value = super.evaluate(node, scope);
    } finally {
      this.#frame = parent;
    }
    this.#chargeValue(node, value);
    if (parent) {
      parent.first ??= value;
      this.#chargeOperand(parent, value);
    }
    const isMethod = node.type === 'MemberExpression' && value.type === 'FunctionValue';
    return isMethod && frame.first ? this.#priced(value, frame.first) : value;
  }

  #chargeValue(node: Node, {value}: Value): void {
    if (typeof value === 'string') {
      if (value.length > MAX_TEXT) throw new RangeError(`a text of it has more than ${MAX_TEXT} characters`);
      this.#charge(value.length / CHARACTERS_A_STEP);
    } else if (isCollection(value)) {
      const entries = entriesOf(value);
      // A loop visits each, even if there is nothing in its body to evaluate.
      this.#charge(this.#program.iterated.has(node) ? entries * STEPS_A_SCOPE : entries / ENTRIES_A_STEP);
      if (this.#program.written.has(node)) this.#charge(this.#size(value) / PIECES_A_STEP);
    }
  }

  #chargeOperand(parent: Frame, {value}: Value): void {
    if (parent.price === 'none') return;
    if (parent.price === 'sum') {
      // Texts are paid for where they come from; of a list, a text is made.
      if (isCollection(value)) this.#charge(this.#size(value) / PIECES_A_STEP);
      return;
    }
    const size = parent.indents && typeof value === 'number' ? Math.abs(value) : this.#size(value);
    if (parent.price === 'square') {
      parent.pieces += size;
      this.#charge((parent.pieces * size) / PIECES_A_STEP);
      return;
    }
    parent.pieces *= 1 + size;
    this.#charge(parent.pieces / PIECES_A_STEP);
  }

  /** A method of a text or an object, which is paid for when it is called, however it is. */
  #priced(method: Value, object: Value): Value {
    const call = method.value as (args: Value[], scope: Scope) => Value;
    const {builtins} = object as {builtins?: ReadonlyMap<string, unknown>};
    const priceOfObject = (): number => {
      if (!isCollection(object.value)) return 1 + this.#size(object.value);
      if (method === builtins?.get('get')) return 1;
      if (method === builtins?.get('dictsort')) return this.#size(object.value) * SORT_COMPARISONS;
      return entriesOf(object.value);
    };
    const value = (args: Value[], scope: Scope): Value => {
      const sizes = args.map((arg) => this.#size(arg?.value));
      // Each text of a list is looked for, and a replacement may be put between all characters.
      const multiplies = method === builtins?.get('replace') || args.some((arg) => isCollection(arg?.value));
      const pieces = multiplies
        ? sizes.reduce((product, size) => product * (1 + size), priceOfObject())
        : sizes.reduce((sum, size) => sum + size, priceOfObject());
      this.#charge(pieces / PIECES_A_STEP);
      return call(args, scope);
    };
    return Object.assign(Object.create(Object.getPrototypeOf(method)), method, {value});
  }

  /**
   * Characters and entries of a value, those of a list within a list weighed by how deep they are: so far are they
   * indented. A list may hold another one twice, and that one again: what takes more steps than are left is not counted
   * to its end.
   */
  #size(value: unknown): number {
    const most = (this.#maxSteps - this.#steps) * PIECES_A_STEP + 1;
    let size = 0;
    const open: [unknown, depth: number][] = [[value, 1]];
    while (open.length > 0 && size < most) {
      const [one, depth] = open.pop()!;
      if (typeof one === 'string') size += one.length;
      else if (isCollection(one)) {
        size += entriesOf(one) * depth;
        for (const entry of one instanceof Map ? [...one].flat() : one) {
          const inner = typeof entry === 'string' ? entry : (entry as Value | undefined)?.value;
          if (typeof inner === 'string') size += inner.length;
          else if (isCollection(inner)) open.push([inner, depth + 1]);
        }
      }
    }
    return size;
  }

  #charge(steps: number): void {
    this.#steps += steps;
    if (this.#steps > this.#maxSteps) {
      throw new RangeError(`it takes more than ${this.#maxSteps} steps for these messages`);
    }
    if (this.#steps < this.#nextLook) return;
    this.#nextLook = this.#steps + STEPS_A_LOOK;
    if (performance.now() > this.#deadline) {
      throw new RangeError(`it takes more than ${this.#maxMs} ms for these messages`);
    }
  }
}

function newFrame(node: Node): Frame {
  const {type, filter, operator} = node as Node & {
    filter?: {value?: string; callee?: {value?: string}};
    operator?: {value: string};
  };
  const frame: Frame = {price: 'none', indents: false, pieces: 1, first: null};
  if (type === 'BinaryExpression') {
    const name = operator?.value ?? '';
    return {
      ...frame,
      price: name === 'in' || name === 'not in' ? 'product' : name === 'and' || name === 'or' ? 'none' : 'sum',
    };
  }
  // A block's statements are many operands.
  if (type === 'FilterStatement') return {...frame, price: 'square'};
  if (type !== 'FilterExpression') return frame;
  const name = filter?.value ?? filter?.callee?.value ?? '';
  if (SHALLOW_FILTERS.has(name)) return frame;
  const pieces = SORTING_FILTERS.has(name) ? SORT_COMPARISONS : 1;
  return {...frame, price: 'product', indents: INDENTING_FILTERS.has(name), pieces};
}

function isCollection(value: unknown): value is unknown[] | Map<string, unknown> {
  return Array.isArray(value) || value instanceof Map;
}

function entriesOf(value: unknown[] | Map<string, unknown>): number {
  return Array.isArray(value) ? value.length : value.size;
}

/** Python's `range`, of bounded length. */
function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= MAX_RANGE)) throw new RangeError(`range() of ${length} numbers; at most ${MAX_RANGE} are supported`);
  return Array.from({length}, (_, i) => start + i * step);
}

/** Python's `strftime` of now, as far as templates use it. */
function strftimeNow(format: unknown): string {
  if (typeof format !== 'string' || format.length > MAX_SHORT_TEXT) {
    throw new RangeError(`strftime_now() takes a format of at most ${MAX_SHORT_TEXT} characters`);
  }
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
  return format.replace(/%[YmdbBHM%]/g, (field) => fields[field]());
}
