// The frame, over the palette. The host is a size container, which gives it a height of its own where the page gives
// none.
import {css, unsafeCSS} from 'lit';
import {palette} from './palette.ts';

export const theme = css`
  ${unsafeCSS(palette)}

  :host {
    position: relative;
    display: block;
    /* Against a height that is not given, 100% is auto, and auto is the intrinsic size below. */
    block-size: 100%;
    container: gemma-chat / size;
    contain-intrinsic-size: 20rem min(32rem, 85dvb);
    color: var(--_text);
    font-family: var(--gemma-chat-font, inherit);
    font-size: var(--_font-size);
    line-height: 1.5;
    text-align: start;
  }

  :host([hidden]) {
    display: none;
  }

  *,
  ::before,
  ::after {
    box-sizing: border-box;
  }

  /* Placed, since a percentage of an intrinsic height would be auto. */
  [part='base'] {
    position: absolute;
    inset: 0;
    display: flex;
    flex-direction: column;
    overflow: auto;
    background: var(--_surface);
    border: 1px solid var(--_border);
    border-radius: var(--_radius);
    /* What a page says of its own headings and buttons would be inherited. */
    font-style: normal;
    font-weight: 400;
    letter-spacing: normal;
    text-indent: 0;
    text-shadow: none;
    text-transform: none;
    white-space: normal;
    word-spacing: normal;
  }

  /* Its texts are on their way: better none for a moment than others. */
  [part='base'][aria-busy='true'] {
    visibility: hidden;
  }

  .foreign * {
    unicode-bidi: plaintext;
  }

  /* Only to be inert as one. */
  .body {
    display: contents;
  }

  [part='header'] {
    display: flex;
    flex: none;
    align-items: center;
    justify-content: space-between;
    gap: 0.5rem;
    min-block-size: 3rem;
    padding-inline: var(--_gap) calc(var(--_gap) / 2);
    border-block-end: 1px solid var(--_border);
  }

  [part='tools'] {
    display: flex;
    flex: none;
    align-items: center;
  }

  [part='label'] {
    overflow: hidden;
    font-weight: 600;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  .visually-hidden {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
`;
