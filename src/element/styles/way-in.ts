// Before the chat: poster and progress.
import {css} from 'lit';

export const wayIn = css`
  [part='poster'],
  [part='progress'] {
    display: flex;
    flex-direction: column;
    gap: var(--_gemma-gap);
    align-items: center;
    inline-size: 100%;
    max-inline-size: calc(30 * var(--_gemma-em));
    margin: auto;
    padding: var(--_gemma-gap);
    text-align: center;
  }

  /* Over the text field; in a small box it scrolls, and the field stays in view. */
  .way-in {
    display: flex;
    flex: 1 1 auto;
    min-block-size: calc(6 * var(--_gemma-em));
    overflow: hidden auto;
  }

  .conversation + .way-in {
    flex: 0 1 auto;
    border-block-start: 1px solid var(--_border);
  }

  /* What a visitor has begun needs no introduction. */
  .conversation + .way-in slot[name='poster'] {
    display: none;
  }

  .before {
    flex: none;
    max-block-size: 30%;
    overflow: auto;
    padding: 0 calc(var(--_gemma-gap) * 0.75) calc(var(--_gemma-gap) * 0.75);
  }

  .before:not(:has(button)) {
    display: none;
  }

  .before .prompts {
    justify-content: center;
  }

  [part='remove-question'] {
    display: flex;
    flex-wrap: wrap;
    gap: calc(0.5 * var(--_gemma-em));
    justify-content: center;
  }

  [part='remove-question'] p {
    inline-size: 100%;
  }

  /* Never cut off where the box is low: what is above it scrolls. */
  [part~='load-button'] {
    position: sticky;
    inset-block-end: calc(0.5 * var(--_gemma-em));
    box-shadow: 0 0 0 calc(0.5 * var(--_gemma-em)) var(--_surface);
  }

  [part='poster-title'] {
    font-size: calc(1.25 * var(--_gemma-em));
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

  [part='fallback'] {
    inline-size: 100%;
  }

  [part='facts'] {
    display: grid;
    gap: calc(0.375 * var(--_gemma-em));
    inline-size: 100%;
    margin: 0;
    padding: calc(0.75 * var(--_gemma-em)) var(--_gemma-em);
    font-size: max(12px, 0.875 * var(--_gemma-em));
    background: var(--_raised);
    border-radius: var(--_gemma-radius);
  }

  [part='facts'] > div {
    display: flex;
    gap: var(--_gemma-em);
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

  [part='fact-file'],
  [part='note'],
  [part='progress-rate'] {
    color: var(--_muted);
    font-size: max(12px, 0.875 * var(--_gemma-em));
  }

  [part='choices']:not(:has(p)),
  [part='notes']:not(:has(p)),
  [part='progress-rate']:empty {
    display: none;
  }

  [part='notes'] {
    display: grid;
    gap: calc(0.375 * var(--_gemma-em));
    text-wrap: pretty;
  }

  [part='license-link'] {
    color: inherit;
  }

  [part='progress-buttons'] {
    display: flex;
    gap: calc(0.5 * var(--_gemma-em));
    justify-content: center;
  }

  [part='progress-rate'] {
    font-variant-numeric: tabular-nums;
  }

  [part='progress-text'] {
    text-wrap: balance;
    font-variant-numeric: tabular-nums;
  }

  [part='progress-bar'] {
    inline-size: 100%;
    block-size: calc(0.5 * var(--_gemma-em));
    overflow: hidden;
    background: var(--_raised);
    border: 1px solid var(--_border);
    border-radius: var(--_gemma-em);
    appearance: none;
  }

  [part='progress-bar']::-webkit-progress-bar {
    background: transparent;
  }

  [part='progress-bar']::-webkit-progress-value {
    background: var(--_accent);
    border-radius: var(--_gemma-em);
  }

  [part='progress-bar']::-moz-progress-bar {
    background: var(--_accent);
    border-radius: var(--_gemma-em);
  }
`;
