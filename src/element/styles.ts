// How the element looks. One constructable stylesheet, so a strict CSP has nothing to refuse. Colours follow the
// page's `color-scheme`; the host is a size container, which gives it a height of its own where the page gives none.
import {css} from 'lit';

export const styles = css`
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

  /* Buttons */

  [part~='button'] {
    display: inline-flex;
    flex: none;
    align-items: center;
    justify-content: center;
    min-block-size: 2.25rem;
    padding-inline: 0.75rem;
    color: var(--_muted);
    font: inherit;
    font-size: 0.875rem;
    background: transparent;
    border: 1px solid transparent;
    border-radius: calc(var(--_radius) * 0.7);
    cursor: pointer;
    transition: background-color 0.12s, color 0.12s;
  }

  [part~='button']:hover:not(:disabled) {
    color: var(--_text);
    background: var(--_raised);
  }

  [part~='load-button'],
  [part~='send-button'],
  [part~='stop-button'],
  [part~='load-button']:hover:not(:disabled),
  [part~='send-button']:hover:not(:disabled),
  [part~='stop-button']:hover:not(:disabled) {
    color: var(--_on-accent);
    background: var(--_accent);
    border-color: var(--_accent);
  }

  [part~='load-button']:hover:not(:disabled),
  [part~='send-button']:hover:not(:disabled),
  [part~='stop-button']:hover:not(:disabled) {
    background: color-mix(in oklab, var(--_accent), var(--_text) 14%);
  }

  [part~='load-button'] {
    min-block-size: 2.75rem;
    padding-inline: 1.25rem;
    font-size: 1rem;
    font-weight: 600;
  }

  [part~='send-button'],
  [part~='stop-button'] {
    inline-size: 2.75rem;
    min-block-size: 2.75rem;
    padding: 0;
  }

  [part~='cancel-button'],
  [part~='retry-button'] {
    color: var(--_text);
    border-color: var(--_border);
  }

  [part~='button']:disabled,
  [part~='button'][aria-disabled='true'],
  [part~='button'][aria-disabled='true']:hover:not(:disabled) {
    color: var(--_muted);
    background: var(--_raised);
    border-color: var(--_border);
    cursor: default;
  }

  .icon {
    inline-size: 1.375rem;
    block-size: 1.375rem;
  }

  :focus-visible {
    outline: 2px solid var(--_accent);
    outline-offset: 2px;
  }

  /* Before the chat */

  [part='poster'],
  [part='progress'] {
    display: flex;
    flex-direction: column;
    gap: var(--_gap);
    align-items: center;
    inline-size: 100%;
    max-inline-size: 30rem;
    margin: auto;
    padding: var(--_gap);
    text-align: center;
  }

  [part='poster-title'] {
    font-size: 1.25rem;
    font-weight: 600;
    line-height: 1.3;
    text-wrap: balance;
  }

  p {
    margin: 0;
  }

  [part='poster-text'],
  [part='empty'] {
    color: var(--_muted);
    text-wrap: pretty;
  }

  [part='facts'] {
    display: grid;
    gap: 0.375rem;
    inline-size: 100%;
    margin: 0;
    padding: 0.75rem 1rem;
    font-size: 0.875rem;
    background: var(--_raised);
    border-radius: var(--_radius);
  }

  [part='facts'] > div {
    display: flex;
    gap: 1rem;
    justify-content: space-between;
  }

  dt {
    color: var(--_muted);
  }

  dd {
    min-inline-size: 0;
    margin: 0;
    overflow-wrap: anywhere;
    text-align: end;
  }

  [part='progress-text'] {
    text-wrap: balance;
    font-variant-numeric: tabular-nums;
  }

  [part='progress-bar'] {
    inline-size: 100%;
    block-size: 0.5rem;
    overflow: hidden;
    background: var(--_raised);
    border: 1px solid var(--_border);
    border-radius: 1rem;
    appearance: none;
  }

  [part='progress-bar']::-webkit-progress-bar {
    background: transparent;
  }

  [part='progress-bar']::-webkit-progress-value {
    background: var(--_accent);
    border-radius: 1rem;
  }

  [part='progress-bar']::-moz-progress-bar {
    background: var(--_accent);
    border-radius: 1rem;
  }

  /* The conversation */

  [part='messages'] {
    display: flex;
    flex: 1 1 0;
    flex-direction: column;
    gap: var(--_gap);
    min-block-size: 5rem;
    padding: var(--_gap);
    overflow: hidden auto;
    overscroll-behavior: contain;
    /* The element scrolls to the end itself, and only while the reader is there. */
    overflow-anchor: none;
  }

  [part='messages']:focus-visible {
    outline-offset: -3px;
  }

  [part='empty'] {
    margin: auto;
    padding: var(--_gap);
    text-align: center;
  }

  [part~='message'] {
    display: flex;
    flex: none;
    flex-direction: column;
    gap: 0.5rem;
    max-inline-size: 100%;
  }

  [part~='message-user'] {
    align-self: flex-end;
    max-inline-size: min(85%, 40rem);
    padding: 0.5rem 0.875rem;
    background: var(--_bubble);
    border-radius: var(--_radius);
    border-end-end-radius: calc(var(--_radius) / 4);
  }

  [part~='message-assistant'] {
    max-inline-size: 46rem;
  }

  [part='message-text'],
  [part='thinking-text'] {
    overflow-wrap: anywhere;
    white-space: pre-wrap;
  }

  .quiet {
    color: var(--_muted);
  }

  [part='thinking'] {
    color: var(--_muted);
    font-size: 0.875rem;
  }

  [part='thinking-text'] {
    margin-block-start: 0.25rem;
    padding-inline-start: 0.75rem;
    border-inline-start: 2px solid var(--_border);
  }

  summary {
    inline-size: fit-content;
    min-block-size: 1.5rem;
    border-radius: 0.25rem;
    cursor: pointer;
  }

  [part~='regenerate-button'] {
    align-self: flex-start;
    margin-block-start: calc(var(--_gap) / -2);
    /* In line with the text above it. */
    margin-inline-start: -0.75rem;
  }

  [part='waiting'] {
    display: flex;
    gap: 0.3rem;
    align-items: center;
    block-size: 1.5rem;
  }

  [part='waiting'] i {
    inline-size: 0.45rem;
    block-size: 0.45rem;
    background: var(--_muted);
    border-radius: 50%;
    animation: waiting 1.2s infinite ease-in-out;
  }

  [part='waiting'] i:nth-child(2) {
    animation-delay: 0.15s;
  }

  [part='waiting'] i:nth-child(3) {
    animation-delay: 0.3s;
  }

  @keyframes waiting {
    50% {
      opacity: 0.25;
    }
  }

  /* Errors */

  [part='error'] {
    display: flex;
    flex: none;
    flex-direction: column;
    gap: 0.5rem;
    align-items: flex-start;
    margin: var(--_gap);
    padding: 0.75rem 1rem;
    background: color-mix(in oklab, var(--_danger) 8%, var(--_surface));
    border: 1px solid var(--_danger);
    border-radius: var(--_radius);
  }

  /* No conversation above it: in the middle. */
  [part='header'] + [part='error'] {
    margin-block: auto;
  }

  [part='error-detail'] {
    max-inline-size: 100%;
    color: var(--_muted);
    font-size: 0.875rem;
    overflow-wrap: anywhere;
  }

  code {
    font-family: ui-monospace, monospace;
  }

  /* The composer */

  [part='composer'] {
    flex: none;
    padding: 0 calc(var(--_gap) * 0.75) calc(var(--_gap) / 2);
  }

  .row {
    display: flex;
    gap: 0.5rem;
    align-items: flex-end;
  }

  .grow {
    display: grid;
    flex: 1 1 0;
    min-inline-size: 0;
    max-block-size: min(12rem, 35dvb);
  }

  .mirror,
  textarea {
    grid-area: 1 / 1;
    min-block-size: 2.75rem;
    max-block-size: inherit;
    padding: 0.5625rem 0.875rem;
    font: inherit;
    border: 1px solid transparent;
    overflow-wrap: anywhere;
    white-space: pre-wrap;
  }

  .mirror {
    overflow: hidden;
    visibility: hidden;
  }

  textarea {
    inline-size: 100%;
    margin: 0;
    color: inherit;
    background: var(--_raised);
    border-color: var(--_border);
    border-radius: var(--_radius);
    resize: none;
  }

  textarea::placeholder {
    color: var(--_muted);
    opacity: 1;
  }

  textarea:focus-visible {
    outline-offset: -1px;
  }

  textarea:disabled {
    opacity: 0.6;
  }

  [part='status'] {
    min-block-size: 1.25rem;
    margin-block-start: 0.375rem;
    padding-inline: 0.25rem;
    overflow: hidden;
    color: var(--_muted);
    font-size: 0.8125rem;
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

  /* A wide chat keeps its lines at a length that reads well. */
  @container gemma-chat (inline-size > 52rem) {
    [part='messages'],
    [part='composer'] {
      padding-inline: calc((100% - 50rem) / 2);
    }

    [part='error'] {
      margin-inline: calc((100% - 50rem) / 2);
    }
  }

  @media (prefers-reduced-motion: reduce) {
    * {
      animation: none !important;
      transition: none !important;
    }
  }

  @media (forced-colors: active) {
    [part~='message-user'] {
      border: 1px solid;
    }

    [part~='button'] {
      border-color: ButtonBorder;
    }

    [part~='regenerate-button'] {
      margin: 0;
    }

    [part='waiting'] i,
    [part='progress-bar']::-webkit-progress-value {
      background: CanvasText;
      forced-color-adjust: none;
    }
  }
`;
