// The colours and measures everything else uses, and the frame. Colours follow the page's `color-scheme`; the host is a
// size container, which gives it a height of its own where the page gives none.
import {css} from 'lit';

export const theme = css`
  :host {
    --_accent: var(--gemma-chat-accent, light-dark(#2457d6, #8fb0ff));
    --_on-accent: var(--gemma-chat-on-accent, light-dark(#ffffff, #0b1226));
    --_surface: var(--gemma-chat-surface, light-dark(#ffffff, #14171c));
    --_raised: var(--gemma-chat-raised, light-dark(#f3f5f8, #1d2128));
    --_bubble: var(--gemma-chat-bubble, light-dark(#e4ecfd, #233252));
    --_text: var(--gemma-chat-text, light-dark(#1a1e24, #e7eaef));
    --_muted: var(--gemma-chat-muted, light-dark(#566070, #a2acba));
    --_border: var(--gemma-chat-border, light-dark(#d5dae2, #353c48));
    --_danger: var(--gemma-chat-danger, light-dark(#b3261e, #ff9d94));
    --_radius: var(--gemma-chat-radius, 0.875rem);
    --_gap: var(--gemma-chat-gap, 1rem);

    position: relative;
    display: block;
    /* Against a height that is not given, 100% is auto, and auto is the intrinsic size below. */
    block-size: 100%;
    container: gemma-chat / size;
    contain-intrinsic-size: 20rem min(32rem, 85dvb);
    color: var(--_text);
    font-family: var(--gemma-chat-font, inherit);
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
  }

  /* Its texts are on their way: better none for a moment than others. */
  [part='base'][aria-busy='true'] {
    visibility: hidden;
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
