import {expect} from 'chai';
import {BoundedTemplate} from '../../../src/chat/bounded-jinja.ts';

const render = (source: string, variables = {}) => new BoundedTemplate(source, {maxSteps: 20_000}).render(variables);

describe("a model file's Jinja", () => {
  const LOOP = '{% for a in range(200) %}';
  const END = '{% endfor %}';
  const STEPS = /more than 20000 steps/;
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
    ['an indentation of everything', '{{ "a" | indent(400000000, true) }}', /characters|string length/],
    ['parentheses without end', `{{ ${'('.repeat(60_000)}1${')'.repeat(60_000)} }}`, /stack/],
    ['more source than any template', ' '.repeat(2 ** 18 + 1), /262145 characters/],
  ];
  for (const [name, source, says] of endless) {
    it(`refuses ${name}`, () => expect(() => render(source)).to.throw(says));
  }

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
