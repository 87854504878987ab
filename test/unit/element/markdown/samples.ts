// Markdown as models write it. Each document ends as it begins: with text that a later line could still change.

export const SAMPLES: Record<string, string> = {
  emphasis: 'Some **bold**, *it*, ***both*** and __under_score__ text, `code` and ~~gone~~. Done! 2 * 3 = 6, a_b_c.',
  'nested emphasis': 'This is **bold with *italic* and `code * x`** inside. **A [link](https://a.example) in bold**.',
  links:
    'A [link](https://a.example/x_(y) "title") and <https://b.example/> and https://c.example/a?b=1. Mail me@x.example.',
  'bracketed text': 'As in [1], see note [a][ref] and arr[i] or f(x)[0].\n\n[ref]: https://r.example "R"\n',
  image: 'Look: ![a *small* cat](https://i.example/cat.png "cat") nice!',
  headings: '# One\n\nText.\n\n## Two **bold**\n\nUnder\n=====\n\nEnd',
  lists: '- one\n- two **b**\n  - three\n  - four\n\n1. a\n2. b\n\n   more b\n3. c\n\nEnd.',
  tasks: '- [x] done\n- [ ] to do\n- plain',
  quote: '> quoted **b**\n> more\n>\n> - item\n\nAfter',
  table: 'Before\n\n| Name | Size |\n|:-----|-----:|\n| **A** | 1 |\n| B \\| C | `2`<br>3 |\n\nAfter.',
  fence: 'Code:\n\n```py title="x"\nprint("a*b_c")\n\n# **no**\n```\n\nThen `` a`b `` text.',
  'fence in a list': '1. Run:\n\n   ```sh\n   npm ci\n   ```\n\n2. Look.\n',
  tildes: '~~~\n```\nstill code\n```\n~~~\nafter',
  'indented code': 'Text\n\n    a = 1\n\n    b = 2\n\nEnd',
  rules: 'One\n\n---\n\nTwo\n\n***\n\nThree',
  entities: 'A &amp; B &lt;tag&gt; &#8364; &nbsp;x &unknown; AT&T',
  html: 'Use <b>tags</b>:\n\n<div onclick="x()">\n**not** raw\n</div>\n\n<!-- hidden -->\n\nend',
  breaks: 'one  \ntwo\\\nthree<br/>four',
  math: 'Sum $a_1 + b$ costs $5 and $6, or \\(x^2\\).\n\n$$\n\\int_0^1 x\\,dx\n$$\n\nand \\[ y \\] too.',
  definitions:
    'See [one] and [two].\n\nMore text.\n\nAgain.\n\n[one]: https://one.example\n[two]: https://two.example "Two"\n\nEnd [one].',
  windows: 'One\r\n\r\n- a\r\n- b\r\n\r\n```\r\nx\r\n```\r\n',
  'two numbers': '1. one\n\n2024 was a year.\n\n2. two',
  'lazy paragraph': 'a\nb\nc\n\nd',
};
