// Every button, and what has the focus.
import {css} from 'lit';

export const buttons = css`
  [part~='button'] {
    display: inline-flex;
    flex: none;
    align-items: center;
    justify-content: center;
    min-block-size: calc(2.25 * var(--_gemma-em));
    padding-inline: calc(0.75 * var(--_gemma-em));
    color: var(--_muted);
    font: inherit;
    font-size: max(12px, 0.875 * var(--_gemma-em));
    background: transparent;
    border: 1px solid transparent;
    border-radius: calc(var(--_gemma-radius) * 0.7);
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
    min-block-size: calc(2.75 * var(--_gemma-em));
    padding-inline: calc(1.25 * var(--_gemma-em));
    font-size: var(--_gemma-em);
    font-weight: 600;
  }

  [part~='send-button'],
  [part~='stop-button'] {
    inline-size: calc(2.75 * var(--_gemma-em));
    min-block-size: calc(2.75 * var(--_gemma-em));
    padding: 0;
  }

  [part~='cancel-button'],
  [part~='pause-button'],
  [part~='resume-button'],
  [part~='remove-stored-button'],
  [part~='choice-button'],
  [part~='choose-button'],
  [part~='again-button'],
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

  [part~='icon-button'] {
    inline-size: calc(2.5 * var(--_gemma-em));
    min-block-size: calc(2.5 * var(--_gemma-em));
    padding: 0;
  }

  .mirrored {
    display: contents;
  }

  .mirrored:dir(rtl) .icon {
    scale: -1 1;
  }

  .icon,
  [part~='button'] slot::slotted(*) {
    inline-size: calc(1.375 * var(--_gemma-em));
    block-size: calc(1.375 * var(--_gemma-em));
  }

  :focus-visible {
    outline: 2px solid var(--_accent);
    outline-offset: 2px;
  }
`;
