// JSON Schema (2020-12, and what zod and Pydantic write of older drafts) as a grammar. What a schema says is enforced, or
// refused with the place where it stands; nothing is skipped.
//
// Properties come in the order of the schema; those that are not required may be left out. Where properties are named and
// nothing is said of others, there are no others: that is less than the schema allows, and never more.
import {encodeText} from './code-points.ts';
import {
  call,
  choice,
  type Expression,
  type GrammarBuilder,
  lexeme,
  many,
  NOTHING,
  optional,
  sequence,
} from './grammar.ts';
import {numberRegex} from './numbers.ts';
import {patternRegex} from './pattern.ts';
import {refuse, tooLarge} from './refusal.ts';
import {EMPTY, NEVER, type Regex, type Regexes} from './regexes.ts';
import {child, type Located, SchemaDocument} from './schema-document.ts';
import {canonical, type Shape, ShapeReader} from './schema-shapes.ts';
import {schemasOfItem, schemasOfName, ValueCheck} from './schema-valid.ts';
import {anyCharacters, type Syntax} from './syntax.ts';

const MAX_RULES = 20_000;
/** Levels of schemas that are compared to tell two alternatives of `oneOf` apart. */
const MAX_COMPARED = 4;
/** Members that are written within each other's expression. */
const MAX_IN_A_ROW = 32;
/** Patterns of property names in one object: each doubles the kinds of names. */
const MAX_NAME_PATTERNS = 4;

/** @throws GemmaError `grammar-invalid`: what cannot be enforced, with its JSON pointer */
export function schemaRule(builder: GrammarBuilder, syntax: Syntax, schema: unknown, sorted = false): number {
  return new SchemaCompiler(builder, syntax, new SchemaDocument(schema), sorted).compile();
}

class SchemaCompiler {
  readonly #builder: GrammarBuilder;
  readonly #regexes: Regexes;
  readonly #syntax: Syntax;
  readonly #reader: ShapeReader;
  readonly #check: ValueCheck;
  readonly #root: Located;
  readonly #sorted: boolean;
  readonly #rules = new Map<string, number>();
  /** Rules that have no body yet. */
  readonly #open: {rule: number; schemas: readonly Located[]}[] = [];
  readonly #lexemes = new Map<Regex, number>();
  #compared = 0;

  constructor(builder: GrammarBuilder, syntax: Syntax, document: SchemaDocument, sorted: boolean) {
    this.#builder = builder;
    this.#regexes = builder.regexes;
    this.#syntax = syntax;
    this.#sorted = sorted;
    this.#root = document.root;
    this.#reader = new ShapeReader(document, (a, b) => this.#disjoint(a, b));
    this.#check = new ValueCheck(this.#reader, builder.regexes);
  }

  compile(): number {
    const rule = this.#value([this.#root]);
    for (let next = this.#open.pop(); next; next = this.#open.pop()) {
      const shapes = this.#reader.shapes(next.schemas);
      if (next.rule === rule && shapes.length === 0)
        throw refuse('nothing can fulfil this schema: it contradicts itself', '');
      this.#builder.define(next.rule, choice(...shapes.map((shape) => this.#shape(shape))));
    }
    return rule;
  }

  /** The rule of values that fulfil all schemas. */
  #value(schemas: readonly Located[]): number {
    const asked = schemas.filter(({schema}) => schema !== true);
    const key = [...new Set(asked.map(({pointer}) => pointer))].sort().join('\n');
    const name = asked.length === 0 ? 'any' : key;
    const known = this.#rules.get(asked.length === 0 ? 'any' : `at ${key}`);
    if (known !== undefined) return known;
    const rule = this.#builder.declare(name);
    this.#rules.set(asked.length === 0 ? 'any' : `at ${key}`, rule);
    if (this.#rules.size > MAX_RULES) throw tooLarge('schemas', MAX_RULES);
    this.#open.push({rule, schemas: asked});
    return rule;
  }

  #shape(shape: Shape): Expression {
    if (shape.values) {
      const values = shape.values.filter((value) => this.#check.fits(value, shape));
      return lexeme(this.#literals(values));
    }
    const parts: Expression[] = [];
    for (const type of shape.types) parts.push(this.#type(type, shape));
    return choice(...parts);
  }

  #type(type: string, shape: Shape): Expression {
    switch (type) {
      case 'null':
        return lexeme(this.#syntax.literal(null));
      case 'boolean':
        return lexeme(this.#regexes.or([this.#syntax.literal(true), this.#syntax.literal(false)]));
      case 'number':
        return lexeme(this.#number(shape));
      case 'string':
        return this.#shared(this.#syntax.string(this.#text(shape)));
      case 'array':
        return this.#list(shape);
      default:
        return this.#object(shape);
    }
  }

  /** Equal strings are one rule, whose tokens are looked for once. */
  #shared(regex: Regex): Expression {
    let rule = this.#lexemes.get(regex);
    if (rule === undefined) {
      rule = this.#builder.rule('string', lexeme(regex));
      this.#lexemes.set(regex, rule);
    }
    return call(rule);
  }

  /** Many values as a tree, so that each byte leaves few of them. */
  #literals(values: readonly unknown[]): Regex {
    return this.#regexes.or(values.map((value) => this.#syntax.literal(value)));
  }

  #number({numbers}: Shape): Regex {
    const regex = numberRegex(this.#regexes, numbers);
    if (regex !== null) return regex;
    throw refuse(
      `multipleOf ${numbers.multiples.join(' and ')} cannot be enforced; supported: numbers that divide a power of ten (1, 2, 5, 0.01, …)`,
      numbers.multipleAt,
    );
  }

  #text({text, pointer}: Shape): Regex {
    const regexes = this.#regexes;
    const {low, high} = text;
    const parts: Regex[] = [];
    for (const {source, whole, pointer: at} of text.patterns) {
      let part: Regex;
      try {
        part = patternRegex(regexes, source, whole ? 'whole' : 'anywhere', this.#syntax.encoding);
      } catch (error) {
        throw refuse(error instanceof Error ? error.message : String(error), at);
      }
      // One class of characters again and again: the lengths of both are one.
      const loop = regexes.loop(part);
      if (loop?.rest === EMPTY && regexes.isCharacter(loop.element) && text.patterns.length === 1) {
        const [from, to] = [Math.max(low, loop.low), Math.min(high, loop.high)];
        return from > to ? NEVER : regexes.repeat(loop.element, from, to);
      }
      parts.push(part);
    }
    if (low > high) return NEVER;
    if (low > 0 || high < Number.POSITIVE_INFINITY || parts.length === 0) {
      parts.push(anyCharacters(regexes, this.#syntax, low, high));
    }
    const both = regexes.and(this.#withoutWider(parts));
    if (!regexes.alive(both)) throw refuse('no text can fulfil pattern, format and length together', pointer);
    return both;
  }

  /** Without what follows from another part, as zod's pattern of an e-mail address from the format. */
  #withoutWider(parts: readonly Regex[]): Regex[] {
    const regexes = this.#regexes;
    const kept = new Set(parts);
    for (const wide of parts) {
      const others = [...kept].filter((part) => part !== wide);
      if (others.length < 4 && others.some((part) => regexes.within(part, wide))) kept.delete(wide);
    }
    return [...kept];
  }

  #list({list}: Shape): Expression {
    const longest = Math.max(0, ...list.prefixes.map((prefix) => prefix.length));
    const item = (i: number): Expression | null => {
      const schemas = schemasOfItem(list, i);
      return schemas && call(this.#value(schemas));
    };
    let {low, high} = list;
    for (let i = 0; i <= longest; i++) if (i < high && item(i) === null) high = i;
    if (low > high) return lexeme(NEVER);
    const [open, close] = [this.#ascii('[', this.#syntax.open), this.#ascii(']')];
    const end = sequence(lexeme(this.#syntax.close), close);
    if (high === 0) return sequence(this.#ascii('['), close);
    const comma = this.#ascii(',', this.#syntax.next);
    // From the last item that is told apart backwards.
    const last = Number.isFinite(high) ? high : Math.max(low, longest);
    let rest = high === Number.POSITIVE_INFINITY ? optional(many(sequence(comma, item(last)!))) : NOTHING;
    low = Math.min(low, last);
    for (let i = last - 1; i >= 1; i--) {
      const more = sequence(comma, item(i)!, rest);
      rest = call(this.#builder.rule('items', i < low ? more : optional(more)));
    }
    const first = item(0)!;
    const some = sequence(open, first, rest, end);
    return low > 0 ? some : choice(some, sequence(this.#ascii('['), close));
  }

  #object(shape: Shape): Expression {
    const {object} = shape;
    const members: {name: Regex; value: number; required: boolean}[] = [];
    const names = [...new Set([...object.parts.flatMap((part) => [...part.names.keys()]), ...object.required])];
    if (this.#sorted) names.sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
    for (const name of names) {
      const required = object.required.has(name);
      const schemas = this.#nameFits(name, object) ? schemasOfName(object, name, this.#regexes) : null;
      if (schemas) members.push({name: this.#syntax.name(name), value: this.#value(schemas), required});
      else if (required) return lexeme(NEVER);
    }
    const others = this.#others(shape, names);
    this.#checkCounts(shape, members, others !== null);
    const member = ({name, value}: {name: Regex; value: number}): Expression => sequence(lexeme(name), call(value));
    const comma = this.#ascii(',', this.#syntax.next);
    const [open, close] = [this.#ascii('{', this.#syntax.open), this.#ascii('}')];
    const end = sequence(lexeme(this.#syntax.close), close);
    const moreOthers = others ? optional(many(sequence(comma, others))) : NOTHING;
    // After each member, what may follow: a rule of its own, so that it is written once.
    const after: Expression[] = [];
    after[members.length] = others ? call(this.#builder.rule('others', moreOthers)) : NOTHING;
    for (let i = members.length - 1; i >= 0; i--) {
      const more = sequence(comma, member(members[i]), after[i + 1]);
      if (!members[i].required) after[i] = call(this.#builder.rule('members', choice(more, after[i + 1])));
      else after[i] = i % MAX_IN_A_ROW === 0 ? call(this.#builder.rule('members', more)) : more;
    }
    const firsts: Expression[] = [];
    let i = 0;
    for (; i < members.length; i++) {
      firsts.push(sequence(member(members[i]), after[i + 1]));
      if (members[i].required) break;
    }
    const allOptional = i === members.length;
    if (allOptional && others) firsts.push(sequence(others, after[i]));
    const some = sequence(open, choice(...firsts), end);
    const none = sequence(this.#ascii('{'), close);
    if (firsts.length === 0) return none;
    return allOptional ? choice(some, none) : some;
  }

  #nameFits(name: string, object: Shape['object']): boolean {
    if (object.names.length === 0) return true;
    return this.#reader.shapes(object.names).some((shape) => {
      if (shape.values && !shape.values.includes(name)) return false;
      return this.#check.fits(name, shape);
    });
  }

  /** A member whose name is none of `names`; null where there are no such members. */
  #others({object, pointer}: Shape, names: readonly string[]): Expression | null {
    const {parts} = object;
    const patterns = parts.flatMap((part, i) => part.patterns.map((pattern) => ({...pattern, part: i})));
    if (patterns.length > MAX_NAME_PATTERNS) {
      throw refuse(
        `more than ${MAX_NAME_PATTERNS} patterns of names cannot be enforced`,
        child(pointer, 'patternProperties'),
      );
    }
    const regexes = this.#regexes;
    const allowed = this.#allowedNames(object);
    const sources = patterns.map(({source, schema}) => {
      try {
        return patternRegex(regexes, source, 'anywhere', this.#syntax.encoding);
      } catch (error) {
        throw refuse(error instanceof Error ? error.message : String(error), schema.pointer);
      }
    });
    const kinds: Expression[] = [];
    // Names by which of the patterns they match.
    for (let matched = 0; matched < 2 ** patterns.length; matched++) {
      const matches = (i: number): boolean => ((matched >> i) & 1) === 1;
      const schemas: Located[] = patterns.filter((_, i) => matches(i)).map(({schema}) => schema);
      const isClosed = parts.some(({others}, part) => {
        if (patterns.some((pattern, i) => pattern.part === part && matches(i))) return false;
        if (others === 'open') return false;
        if (others === 'closed' || others === false) return true;
        schemas.push(others as Located);
        return false;
      });
      if (isClosed || schemas.some(({schema}) => schema === false)) continue;
      const content = regexes.and([
        allowed,
        ...sources.map((source, i) => (matches(i) ? source : regexes.not(source))),
      ]);
      if (!regexes.alive(content)) continue;
      kinds.push(sequence(lexeme(this.#syntax.names(content, names)), call(this.#value(schemas))));
    }
    return kinds.length > 0 ? choice(...kinds) : null;
  }

  #allowedNames(object: Shape['object']): Regex {
    if (object.names.length === 0) return anyCharacters(this.#regexes, this.#syntax);
    const kinds = this.#reader.shapes(object.names).map((shape) => {
      if (!shape.types.has('string')) return NEVER;
      if (!shape.values) return this.#text(shape);
      const texts = shape.values.filter((value) => this.#check.fits(value, shape)) as string[];
      return this.#regexes.or(texts.map((text) => encodeText(this.#regexes, this.#syntax.encoding, text)));
    });
    return this.#regexes.or(kinds);
  }

  /** How many properties there are is enforced only where it follows from which there are. */
  #checkCounts({object, pointer}: Shape, members: readonly {required: boolean}[], hasOthers: boolean): void {
    const required = members.filter((member) => member.required).length;
    if (object.low > required) {
      throw refuse(
        `minProperties ${object.low} cannot be enforced: only ${required} are required`,
        child(pointer, 'minProperties'),
      );
    }
    if (object.high < Number.POSITIVE_INFINITY && (hasOthers || members.length > object.high)) {
      throw refuse('maxProperties cannot be enforced: more may be written', child(pointer, 'maxProperties'));
    }
  }

  /** Whether no value can have both shapes. False where that is not seen. */
  #disjoint(a: Shape, b: Shape): boolean {
    if (a.values && b.values) {
      const known = new Set(a.values.map(canonical));
      return !b.values.some((value) => known.has(canonical(value)));
    }
    if (a.values) return !a.values.some((value) => this.#check.fits(value, a) && this.#check.fits(value, b));
    if (b.values) return this.#disjoint(b, a);
    return [...a.types].every((type) => !b.types.has(type) || this.#typesDisjoint(type, a, b));
  }

  #typesDisjoint(type: string, a: Shape, b: Shape): boolean {
    const regexes = this.#regexes;
    if (type === 'string') return !regexes.alive(regexes.and([this.#text(a), this.#text(b)]));
    if (type === 'number') {
      const [x, y] = [a.numbers, b.numbers];
      const below = (p: typeof x, q: typeof x): boolean =>
        p.max < q.min || (p.max === q.min && (p.belowMax || q.aboveMin));
      return below(x, y) || below(y, x);
    }
    if (type === 'array') return a.list.low > b.list.high || b.list.low > a.list.high;
    if (type !== 'object' || this.#compared >= MAX_COMPARED) return false;
    this.#compared++;
    try {
      return this.#objectsDisjoint(a.object, b.object) || this.#objectsDisjoint(b.object, a.object);
    } finally {
      this.#compared--;
    }
  }

  /** Whether a property that `a` requires is not allowed in `b`, or required there with other values. */
  #objectsDisjoint(a: Shape['object'], b: Shape['object']): boolean {
    return [...a.required].some((name) => {
      const inB = schemasOfName(b, name, this.#regexes);
      if (inB === null) return true;
      if (!b.required.has(name)) return false;
      const inA = schemasOfName(a, name, this.#regexes) ?? [];
      const [some, others] = [this.#reader.shapes(inA), this.#reader.shapes(inB)];
      return some.every((x) => others.every((y) => this.#disjoint(x, y)));
    });
  }

  #ascii(text: string, after: Regex = EMPTY): Expression {
    return lexeme(this.#regexes.cat(this.#regexes.range(text.charCodeAt(0)), after));
  }
}
