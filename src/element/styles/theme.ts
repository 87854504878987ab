// The frame, over the palette. The layout stands on a box inside the host, the root: a page's reset may take all from the
// host but custom properties. The root is a size container, which gives it a height of its own where the page gives none.
import {css, unsafeCSS} from 'lit';
import {palette} from './palette.ts';
import {rootBox} from './root-box.ts';

export const theme = css`
  ${unsafeCSS(palette)}

  :host {
    display: grid;
    grid-template: minmax(0, 1fr) / minmax(0, 1fr);
    block-size: 100%;
  }

  ${unsafeCSS(rootBox)}

  .root {
    position: relative;
    /* Against a height that is not given, 100% is auto, and auto is the intrinsic size below. */
    block-size: 100%;
    min-block-size: inherit;
    container: gemma-chat / size;
    contain-intrinsic-size: calc(20 * var(--_gemma-em)) min(32 * var(--_gemma-em), 85dvb);
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
    border-radius: var(--_gemma-radius);
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
    gap: calc(0.5 * var(--_gemma-em));
    min-block-size: calc(3 * var(--_gemma-em));
    padding-inline: var(--_gemma-gap) calc(var(--_gemma-gap) / 2);
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
