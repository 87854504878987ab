// Before the chat: poster and progress.
import {css} from 'lit';

export const wayIn = css`
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

  /* Over the text field; in a small box it scrolls, and the field stays in view. */
  .way-in {
    display: flex;
    flex: 1 1 auto;
    min-block-size: 6rem;
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
    padding: 0 calc(var(--_gap) * 0.75) calc(var(--_gap) * 0.75);
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
    gap: 0.5rem;
    justify-content: center;
  }

  [part='remove-question'] p {
    inline-size: 100%;
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

  [part='fallback'] {
    inline-size: 100%;
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

  [part='fact-file'],
  [part='note'],
  [part='progress-rate'] {
    color: var(--_muted);
    font-size: 0.875rem;
  }

  [part='choices']:not(:has(p)),
  [part='notes']:not(:has(p)),
  [part='progress-rate']:empty {
    display: none;
  }

  [part='notes'] {
    display: grid;
    gap: 0.375rem;
    text-wrap: pretty;
  }

  [part='license-link'] {
    color: inherit;
  }

  [part='progress-buttons'] {
    display: flex;
    gap: 0.5rem;
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
`;
