// The conversation: turns, thinking, waiting, the way to the end.
import {css} from 'lit';

export const messages = css`
  .conversation {
    position: relative;
    display: flex;
    flex: 1 1 0;
    flex-direction: column;
    min-block-size: calc(5 * var(--_gemma-em));
  }

  [part='messages'] {
    display: flex;
    flex: 1 1 0;
    flex-direction: column;
    gap: var(--_gemma-gap);
    min-block-size: 0;
    padding: var(--_gemma-gap);
    overflow: hidden auto;
    overscroll-behavior: contain;
    /* The element scrolls to the end itself, and only while the reader is there. */
    overflow-anchor: none;
  }

  /* Only to be watched: it is as high as all turns. */
  .turns {
    display: flex;
    flex: 1 0 auto;
    flex-direction: column;
    gap: inherit;
    max-inline-size: 100%;
  }

  [part='messages']:focus-visible {
    outline-offset: -3px;
  }

  [part~='end-button'] {
    position: absolute;
    inset-block-end: calc(0.75 * var(--_gemma-em));
    inset-inline: 0;
    inline-size: calc(2.5 * var(--_gemma-em));
    min-block-size: calc(2.5 * var(--_gemma-em));
    margin-inline: auto;
    padding: 0;
    color: var(--_text);
    background: var(--_surface);
    border-color: var(--_border);
    border-radius: 50%;
    box-shadow: 0 1px 6px rgb(0 0 0 / 0.15);
  }

  .beginning {
    display: flex;
    flex-direction: column;
    gap: var(--_gemma-gap);
    margin: auto;
    padding: var(--_gemma-gap);
    text-align: center;
  }

  .prompts {
    display: flex;
    flex-wrap: wrap;
    gap: calc(0.5 * var(--_gemma-em));
  }

  .prompts.bare {
    margin-block-start: calc(-1 * var(--_gemma-gap));
  }

  .beginning .prompts {
    justify-content: center;
  }

  [part~='prompt'] {
    max-inline-size: 100%;
    min-block-size: calc(2.25 * var(--_gemma-em));
    padding-block: calc(0.375 * var(--_gemma-em));
    color: var(--_text);
    text-align: start;
    white-space: normal;
    border-color: var(--_border);
  }

  /* Out of view, a turn costs nothing but its place; its height is remembered. */
  [part~='message'] {
    display: flex;
    flex: none;
    flex-direction: column;
    gap: calc(0.375 * var(--_gemma-em));
    max-inline-size: 100%;
    content-visibility: auto;
    contain-intrinsic-block-size: auto calc(6 * var(--_gemma-em));
  }

  [part~='message-user'] {
    align-items: flex-end;
    align-self: flex-end;
    max-inline-size: min(85%, 40 * var(--_gemma-em));
  }

  [part~='bubble-user'],
  [part='edit'] {
    padding: calc(0.5 * var(--_gemma-em)) calc(0.875 * var(--_gemma-em));
    background: var(--_bubble);
    border-radius: var(--_gemma-radius);
    border-end-end-radius: calc(var(--_gemma-radius) / 4);
  }

  [part~='message-queued'] > [part~='bubble-user'] {
    background: transparent;
    border: 1px dashed var(--_border);
  }

  [part='queued-tools'] {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: flex-end;
    color: var(--_muted);
    font-size: max(12px, 0.8125 * var(--_gemma-em));
  }

  [part~='bubble-user'] {
    color: var(--_on-bubble);
  }

  [part~='bubble-assistant'] {
    padding: var(--_answer-padding);
    background: var(--_answer);
    border-radius: var(--_gemma-radius);
  }

  [part~='message-assistant'] {
    inline-size: 100%;
    max-inline-size: calc(46 * var(--_gemma-em));
  }

  [part~='message']:has(> [part='avatar']) {
    position: relative;
    min-block-size: calc(2 * var(--_gemma-em));
    padding-inline-start: calc(2.75 * var(--_gemma-em));
  }

  [part~='message-user']:has(> [part='avatar']) {
    padding-inline: 0 calc(2.75 * var(--_gemma-em));
  }

  [part='avatar'] {
    position: absolute;
    inset-block-start: 0;
    inset-inline-start: 0;
    display: grid;
    place-items: center;
    inline-size: calc(2 * var(--_gemma-em));
    block-size: calc(2 * var(--_gemma-em));
    overflow: hidden;
    border-radius: 50%;
  }

  [part~='message-user'] > [part='avatar'] {
    inset-inline: auto 0;
  }

  [part='avatar'] > * {
    max-inline-size: 100%;
    max-block-size: 100%;
  }

  [part='avatar-letter'] {
    display: grid;
    place-items: center;
    inline-size: calc(1.75 * var(--_gemma-em));
    block-size: calc(1.75 * var(--_gemma-em));
    color: var(--_muted);
    background: var(--_raised);
    border-radius: 50%;
  }

  [part='message-head'] {
    display: flex;
    gap: calc(0.5 * var(--_gemma-em));
    color: var(--_muted);
    font-size: max(12px, 0.8125 * var(--_gemma-em));
  }

  [part='message-name'] {
    font-weight: 600;
  }

  [part='message-end'] {
    color: var(--_muted);
    font-size: max(12px, 0.8125 * var(--_gemma-em));
  }

  [part~='message']:focus-visible {
    border-radius: calc(0.25 * var(--_gemma-em));
  }

  /* A question is nearer to its answer than to the one before. */
  [part~='message-user'] + [part~='message-assistant'] {
    margin-block-start: calc(-1 * var(--_gemma-gap));
  }

  [part='cut'] {
    padding-block-start: calc(0.5 * var(--_gemma-em));
    color: var(--_muted);
    font-size: max(12px, 0.8125 * var(--_gemma-em));
    text-align: center;
    border-block-start: 1px dashed var(--_border);
  }

  [part~='continue-button'] {
    align-self: flex-start;
  }

  /* Where the answer grows. */
  [part~='message-growing'] > .plain::after,
  [part~='message-growing'] > .markdown > p:last-child::after,
  [part~='message-growing'] > .markdown > :is(ul, ol):last-child > li:last-child::after {
    display: inline-block;
    inline-size: 0.5em;
    block-size: 1em;
    margin-inline-start: 0.125em;
    vertical-align: -0.15em;
    background: var(--_muted);
    border-radius: 1px;
    content: '';
    animation: waiting 1.2s infinite ease-in-out;
  }

  [part~='message-text'],
  [part='thinking-text'] {
    max-inline-size: 100%;
    overflow-wrap: anywhere;
  }

  .plain {
    white-space: pre-wrap;
  }

  .quiet {
    color: var(--_muted);
  }

  [part~='tool'] {
    max-inline-size: 100%;
    color: var(--_muted);
    font-size: max(12px, 0.875 * var(--_gemma-em));
  }

  [part~='tool-failed'] {
    color: var(--_danger);
  }

  [part='tool-title'] {
    margin-block: calc(0.5 * var(--_gemma-em)) calc(0.25 * var(--_gemma-em));
  }

  [part='tool-arguments'],
  [part='tool-result'] {
    max-block-size: calc(12 * var(--_gemma-em));
    margin: 0;
    padding: calc(0.5 * var(--_gemma-em)) calc(0.75 * var(--_gemma-em));
    overflow: auto;
    color: var(--_text);
    font-family: var(--_code-font);
    font-size: max(12px, 0.8125 * var(--_gemma-em));
    white-space: pre-wrap;
    overflow-wrap: anywhere;
    background: var(--_raised);
    border-radius: calc(var(--_gemma-radius) * 0.7);
  }

  [part='tool-question'] {
    display: flex;
    flex-wrap: wrap;
    gap: calc(0.5 * var(--_gemma-em));
    margin-block-start: calc(0.5 * var(--_gemma-em));
  }

  [part='tool-question'] > button {
    color: var(--_text);
    border-color: var(--_border);
  }

  [part='thinking'] {
    color: var(--_muted);
    font-size: max(12px, 0.875 * var(--_gemma-em));
  }

  [part='thinking-text'] {
    margin-block-start: calc(0.25 * var(--_gemma-em));
    padding-inline-start: calc(0.75 * var(--_gemma-em));
    border-inline-start: 2px solid var(--_border);
  }

  summary {
    inline-size: fit-content;
    min-block-size: max(24px, 1.5 * var(--_gemma-em));
    border-radius: calc(0.25 * var(--_gemma-em));
    cursor: pointer;
  }

  [part='waiting'] {
    display: flex;
    gap: calc(0.3 * var(--_gemma-em));
    align-items: center;
    block-size: calc(1.5 * var(--_gemma-em));
  }

  [part='waiting'] i {
    inline-size: calc(0.45 * var(--_gemma-em));
    block-size: calc(0.45 * var(--_gemma-em));
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

  [part='source-list'] {
    margin: calc(0.5 * var(--_gemma-em)) 0 0;
    padding-inline-start: calc(1.5 * var(--_gemma-em));
    font-size: max(12px, 0.875em);
  }

  [part='source-text'] {
    margin: calc(0.125 * var(--_gemma-em)) 0 calc(0.5 * var(--_gemma-em));
    color: var(--_muted);
    overflow-wrap: anywhere;
  }

  [part~='source-link'],
  [part~='citation'] {
    color: var(--_accent);
  }

  [part~='citation'] {
    padding-inline: 0.125em;
    font-size: max(12px, 0.75em);
    vertical-align: super;
  }
`;
