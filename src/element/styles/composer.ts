// Where the visitor writes, and the status line.
import {css} from 'lit';

export const composer = css`
  [part='composer'] {
    flex: none;
    padding: 0 calc(var(--_gemma-gap) * 0.75) calc(var(--_gemma-gap) / 2);
  }

  .row {
    display: flex;
    gap: calc(0.5 * var(--_gemma-em));
    align-items: flex-end;
  }

  .grow {
    display: grid;
    flex: 1 1 0;
    min-inline-size: 0;
    max-block-size: min(12 * var(--_gemma-em), 35dvb);
  }

  .mirror,
  textarea {
    grid-area: 1 / 1;
    min-block-size: calc(2.75 * var(--_gemma-em));
    max-block-size: inherit;
    padding: calc(0.5625 * var(--_gemma-em)) calc(0.875 * var(--_gemma-em));
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
    border-radius: var(--_gemma-radius);
    resize: none;
  }

  slot[name='footer']::slotted(*) {
    flex: none;
    margin: 0;
    padding: 0 var(--_gemma-gap) calc(var(--_gemma-gap) / 2);
    color: var(--_muted);
    font-size: max(12px, 0.8125 * var(--_gemma-em));
    text-align: center;
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

  [part='notice'] {
    display: flex;
    gap: calc(0.5 * var(--_gemma-em));
    align-items: center;
    justify-content: space-between;
    margin-block-end: calc(0.5 * var(--_gemma-em));
    padding: calc(0.25 * var(--_gemma-em)) calc(0.25 * var(--_gemma-em)) calc(0.25 * var(--_gemma-em)) calc(0.875 * var(--_gemma-em));
    font-size: max(12px, 0.875 * var(--_gemma-em));
    background: var(--_raised);
    border: 1px solid var(--_border);
    border-radius: var(--_gemma-radius);
  }

  .foot {
    display: flex;
    gap: calc(0.5 * var(--_gemma-em));
    align-items: center;
    justify-content: space-between;
    min-block-size: calc(1.75 * var(--_gemma-em));
  }

  [part~='unload-button'],
  [part~='queued-button'] {
    min-block-size: max(24px, 1.75 * var(--_gemma-em));
    padding: 0 calc(0.5 * var(--_gemma-em));
    color: var(--_muted);
    font-size: max(12px, 0.8125 * var(--_gemma-em));
    font-weight: 400;
    background: none;
    border-color: transparent;
  }

  [part~='unload-button'] {
    flex: none;
    text-decoration: underline;
  }

  [part='context'] {
    flex: none;
    inline-size: calc(3 * var(--_gemma-em));
    block-size: calc(0.75 * var(--_gemma-em));
  }

  [part='status'] {
    flex: 1 1 auto;
    min-inline-size: 0;
    padding-inline: calc(0.25 * var(--_gemma-em));
    overflow: hidden;
    color: var(--_muted);
    font-size: max(12px, 0.8125 * var(--_gemma-em));
    text-wrap: balance;
  }
`;
