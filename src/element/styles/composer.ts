// Where the visitor writes, and the status line.
import {css} from 'lit';

export const composer = css`
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

  [part='notice'] {
    display: flex;
    gap: 0.5rem;
    align-items: center;
    justify-content: space-between;
    margin-block-end: 0.5rem;
    padding: 0.25rem 0.25rem 0.25rem 0.875rem;
    font-size: 0.875rem;
    background: var(--_raised);
    border: 1px solid var(--_border);
    border-radius: var(--_radius);
  }

  .foot {
    display: flex;
    gap: 0.5rem;
    align-items: center;
    justify-content: space-between;
    min-block-size: 1.75rem;
  }

  [part~='unload-button'],
  [part~='queued-button'] {
    min-block-size: 1.75rem;
    padding: 0 0.5rem;
    color: var(--_muted);
    font-size: 0.8125rem;
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
    inline-size: 3rem;
    block-size: 0.75rem;
  }

  [part='status'] {
    flex: 1 1 auto;
    min-inline-size: 0;
    padding-inline: 0.25rem;
    overflow: hidden;
    color: var(--_muted);
    font-size: 0.8125rem;
    text-wrap: balance;
  }
`;
