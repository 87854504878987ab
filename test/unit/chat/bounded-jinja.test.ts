import {expect} from 'chai';
import {BoundedTemplate} from '../../../src/chat/bounded-jinja.ts';

const render = (source: string, variables = {}) => new BoundedTemplate(source, {maxSteps: 20_000}).render(variables);

describe("a model file's Jinja", () => {
  const LOOP = '{% for a in range(200) %}';
  const END = '{% endfor %}';
  const STEPS = /more than 20000 steps/;
  /** A text of 16,384 characters and a list of 8,192 in `ns`; as an expression of 512. */
  const GROW =
    "{% set ns = namespace(x='ab', l=['b']) %}{% for i in range(13) %}{% set ns.x = ns.x + ns.x %}{% set ns.l = ns.l + ns.l %}{% endfor %}";
  const GROW_TEXT = `'${'%B'.repeat(256)}'`;
  // What a hostile file could try. Without bounds each would take minutes or all memory.
  const endless: [name: string, source: string, says: RegExp][] = [
    ['loops in loops', `${LOOP.repeat(4)}x${END.repeat(4)}`, STEPS],
    ['loops without a body', `${LOOP.repeat(5)}${END.repeat(5)}`, STEPS],
    ['loops that choose nothing', `${LOOP}{% for b in range(9999) if false %}${END}${END}`, STEPS],
    ['a range without end', `{% for a in range(10 ** 12) %}${END}`, /range\(\) of 1000000000000 numbers/],
    ['a range that never arrives', `{% for a in range(0, 10, 0) %}${END}`, /range\(\) of Infinity numbers/],
    [
      'a text that doubles',
      `{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}${END}`,
      /steps|more than 4194304 characters/,
    ],
    [
      'a list that doubles',
      `{% set ns = namespace(x=[1]) %}{% for i in range(40) %}{% set ns.x = ns.x + ns.x %}${END}`,
      STEPS,
    ],
    ['a macro that calls itself', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', /stack|steps|Cannot call/],
    [
      'a macro that calls itself twice',
      '{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}',
      STEPS,
    ],
    ['a long macro, defined again and again', `${LOOP}{% macro f() %}${'x'.repeat(4096)}{% endmacro %}${END}`, STEPS],
    ['an indentation of everything', '{{ "a" | indent(400000000, true) }}', STEPS],
    ['parentheses without end', `{{ ${'('.repeat(30_000)}1${')'.repeat(30_000)} }}`, /stack/],
    ['more source than any template', 'x '.repeat(2 ** 15 + 1), /65538 characters/],
    ['white space for the lexer to go through again and again', `${' '.repeat(60_000)}x`, /60000 .* white space/],
    [
      'a text that begins with none of many',
      "{% set a = 'ab' * 9 %}{% set ns = namespace(x='ab', l=['b']) %}{% for i in range(13) %}{% set ns.x = ns.x + ns.x %}{% set ns.l = ns.l + ns.l %}{% endfor %}{{ ns.x.startswith(ns.l) }}",
      /steps|operator/,
    ],
    [
      'a method that was put aside',
      `${GROW}{% set m = ns.x.startswith %}{% for i in range(99) %}{{ m(ns.l) }}${END}`,
      STEPS,
    ],
    [
      'a list that holds itself twice, written',
      `{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}${END}{{ ns.x }}`,
      STEPS,
    ],
    [
      'the same as JSON',
      `{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}${END}{{ ns.x | tojson }}`,
      STEPS,
    ],
    [
      'the same beside a text',
      `{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}${END}{{ ns.x ~ 'a' }}`,
      STEPS,
    ],
    [
      'the same compared',
      `{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}${END}{{ ns.x == 'a' }}`,
      STEPS,
    ],
    [
      'the same joined',
      `{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}${END}{{ ns.x | join }}`,
      STEPS,
    ],
    ['JSON with wide margins', '{{ [[[[1]]]] | tojson(indent=100000000) }}', STEPS],
    ['months of a long format', `{{ strftime_now('%B%B%B%B' ~ ${GROW_TEXT}) }}`, /format|steps/],
    ['titles', `${GROW}{{ ns.x | title | title | title }}`, STEPS],
    ['texts between all characters', `${GROW}{{ ns.x | replace('', ns.x) }}`, STEPS],
    ['an attribute with a long way', `${GROW}{{ [{}, {}, {}] | map(attribute=ns.x) | list }}`, STEPS],
    ['a list sorted by it', `${GROW}{{ [{}, {}, {}] | sort(attribute=ns.x) }}`, STEPS],
    ['a block of a filter', `{% filter upper %}${GROW}{{ ns.x }}{{ ns.x }}{% endfilter %}`, STEPS],
  ];
  for (const [name, source, says] of endless) {
    it(`refuses ${name}`, () => expect(() => render(source)).to.throw(says));
  }

  it('stops at its time, whatever takes it', () => {
    const template = new BoundedTemplate(`${LOOP.repeat(3)}{{ 'abc' | upper }}${END.repeat(3)}`, {maxMs: 50});
    const start = performance.now();
    expect(() => template.render({})).to.throw(/more than 50 ms/);
    expect(performance.now() - start).to.be.below(5000);
  });

  it('counts the time that its variables are copied in', () => {
    const messages = Array.from({length: 100_000}, () => ({role: 'user', content: 'a'}));
    expect(() => new BoundedTemplate('{{ 1 }}', {maxMs: 1}).render({messages})).to.throw(/more than 1 ms/);
  });

  it('may take as many steps as it is given', () => {
    expect(render(`${LOOP}x${END}`)).to.equal('x'.repeat(200));
  });

  it('has the globals of templates', () => {
    expect(render('{{ range(1, 7, 2) }}{{ range(3, 0, -1) }}{{ range(2) }}{{ range(2, 0) }}')).to.equal(
      '[1, 3, 5][3, 2, 1][0, 1][]',
    );
    expect(
      render('{% if True and true and not False and not false and None is none and none is none %}yes{% endif %}'),
    ).to.equal('yes');
    expect(render('{{ strftime_now("%Y-%m-%d %H:%M %B %b %%") }}')).to.match(
      /^20\d\d-[01]\d-[0-3]\d [0-2]\d:[0-5]\d [A-Z][a-z]+ [A-Z][a-z]{2} %$/,
    );
    expect(() => render('{{ raise_exception("no") }}')).to.throw(/^no$/);
  });
});
