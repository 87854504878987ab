// The box inside the host that everything else stands in. Nothing that a page says of its own texts is inherited through
// it, but whether the chat is seen, can be pressed, and which colours the page is drawn in. Text, as the palette.

export const rootBox = `
  .root {
    all: initial;
    display: block;
    box-sizing: border-box;
    visibility: inherit;
    pointer-events: inherit;
    color-scheme: inherit;
    color: var(--_text);
    font-family: var(--gemma-chat-font, inherit);
    font-size: var(--_gemma-em);
    line-height: 1.5;
    text-align: start;
    -webkit-text-size-adjust: inherit;
    text-size-adjust: inherit;
    -webkit-tap-highlight-color: inherit;
    -webkit-font-smoothing: inherit;
  }
`;
