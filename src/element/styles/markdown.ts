// What an answer is made of: paragraphs, lists, tables, code and its colours, formulas.
// Text: it is a part of a chunk, and added where that is there.

export const markdown = `
  .markdown {
    --_code-keyword: var(--gemma-chat-code-keyword, light-dark(#8a2be2, #d3a4ff));
    --_code-string: var(--gemma-chat-code-string, light-dark(#0b6b3a, #8fd6a8));
    --_code-number: var(--gemma-chat-code-number, light-dark(#9a3412, #f3b48b));
    --_code-title: var(--gemma-chat-code-title, light-dark(#1d4ed8, #9dc1ff));
    --_code-comment: var(--gemma-chat-code-comment, light-dark(#5b6472, #9aa4b3));
  }

  .markdown > * {
    margin-block: calc(0.625 * var(--_gemma-em));
  }

  .markdown > :first-child {
    margin-block-start: 0;
  }

  .markdown > :last-child {
    margin-block-end: 0;
  }

  /* A line that the model ended stays a line. */
  .markdown p,
  .markdown li,
  .markdown :is(h3, h4, h5, h6, th, td) {
    white-space: pre-line;
  }

  .markdown :is(h3, h4, h5, h6) {
    margin-block-start: var(--_gemma-em);
    font-size: var(--_gemma-em);
    font-weight: 650;
    line-height: 1.35;
    text-wrap: balance;
  }

  .markdown h3 {
    font-size: calc(1.25 * var(--_gemma-em));
  }

  .markdown h4 {
    font-size: calc(1.125 * var(--_gemma-em));
  }

  .markdown :is(ul, ol) {
    /* A number and its point, in a font of one width too. */
    padding-inline-start: max(1.5 * var(--_gemma-em), 3ch);
    white-space: normal;
  }

  .markdown li > :is(ul, ol, p) {
    margin-block: calc(0.25 * var(--_gemma-em));
  }

  .markdown li {
    margin-block: calc(0.25 * var(--_gemma-em));
  }

  .markdown li.task {
    list-style: none;
  }

  .markdown .box {
    display: inline-block;
    inline-size: max(1.5 * var(--_gemma-em), 3ch);
    margin-inline-start: calc(-1 * max(1.5 * var(--_gemma-em), 3ch));
  }

  .markdown .box + p {
    display: inline;
  }

  .markdown blockquote {
    margin-inline: 0;
    padding-inline-start: calc(0.875 * var(--_gemma-em));
    color: var(--_muted);
    border-inline-start: 3px solid var(--_border);
  }

  .markdown blockquote > :is(:first-child, :last-child) {
    margin-block: 0;
  }

  .markdown hr {
    block-size: 1px;
    background: var(--_border);
    border: 0;
  }

  [part='link'] {
    color: inherit;
  }

  [part='link'][href] {
    color: var(--_accent);
    text-underline-offset: 0.15em;
  }

  [part='image'] {
    display: block;
    max-inline-size: 100%;
    max-block-size: calc(24 * var(--_gemma-em));
    block-size: auto;
    border-radius: calc(var(--_gemma-radius) / 2);
  }

  .markdown :not(pre) > code {
    padding: 0.1em 0.3em;
    font-size: max(12px, 0.9em);
    background: var(--_raised);
    border-radius: calc(0.25 * var(--_gemma-em));
  }

  .scroll {
    max-inline-size: 100%;
    overflow-x: auto;
    white-space: normal;
  }

  [part='table'] {
    border-collapse: collapse;
    font-size: max(12px, 0.9375 * var(--_gemma-em));
    font-variant-numeric: tabular-nums;
  }

  [part='table'] :is(th, td) {
    min-inline-size: calc(3 * var(--_gemma-em));
    padding: calc(0.375 * var(--_gemma-em)) calc(0.75 * var(--_gemma-em));
    text-align: start;
    vertical-align: top;
    overflow-wrap: break-word;
    border: 1px solid var(--_border);
  }

  [part='table'] th {
    font-weight: 600;
    background: var(--_raised);
  }

  [part='table'] .center {
    text-align: center;
  }

  [part='table'] .right {
    text-align: end;
  }

  [part='code-block'] {
    overflow: hidden;
    white-space: normal;
    background: var(--_raised);
    border: 1px solid var(--_border);
    border-radius: calc(var(--_gemma-radius) * 0.7);
  }

  .code-head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    min-block-size: calc(2.25 * var(--_gemma-em));
    padding-inline: calc(0.875 * var(--_gemma-em)) calc(0.25 * var(--_gemma-em));
    color: var(--_muted);
    font-size: max(12px, 0.8125 * var(--_gemma-em));
    border-block-end: 1px solid var(--_border);
  }

  [part~='copy-code-button'] {
    min-block-size: calc(2 * var(--_gemma-em));
    min-inline-size: calc(2 * var(--_gemma-em));
    padding: calc(0.25 * var(--_gemma-em));
  }

  [part='code'] {
    margin: 0;
    padding: calc(0.75 * var(--_gemma-em)) calc(0.875 * var(--_gemma-em));
    overflow-x: auto;
    font-size: max(12px, 0.875 * var(--_gemma-em));
    line-height: 1.5;
    text-align: start;
    tab-size: 2;
    overflow-wrap: normal;
  }

  :is([part='code'], .scroll):focus-visible {
    outline-offset: -2px;
  }

  .code-keyword,
  .code-literal,
  .code-builtin,
  .code-type,
  .code-tag,
  .code-selectortag {
    color: var(--_code-keyword);
  }

  .code-string,
  .code-regexp,
  .code-addition,
  .code-meta {
    color: var(--_code-string);
  }

  .code-number,
  .code-symbol,
  .code-bullet,
  .code-variable,
  .code-templatevariable,
  .code-deletion {
    color: var(--_code-number);
  }

  .code-title,
  .code-attr,
  .code-selectorclass,
  .code-attribute,
  .code-name,
  .code-section,
  .code-property {
    color: var(--_code-title);
  }

  .code-comment,
  .code-quote,
  .code-doctag {
    color: var(--_code-comment);
  }

  .code-emphasis {
    font-style: italic;
  }

  .code-strong {
    font-weight: 650;
  }

  [part='math'].display {
    display: block;
    max-inline-size: 100%;
    overflow: auto hidden;
    text-align: center;
  }

  math {
    font-family: 'STIX Two Math', 'Cambria Math', 'Latin Modern Math', math;
  }
`;
