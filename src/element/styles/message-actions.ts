// The buttons beneath a message, and the form that changes one.
// Text: it is a part of a chunk, and added where that is there.

export const messageActions = `
  [part='actions'] {
    display: flex;
    flex-wrap: wrap;
    gap: calc(0.125 * var(--_gemma-em));
    align-items: center;
    min-block-size: calc(2 * var(--_gemma-em));
    /* In line with the text above. */
    margin: calc(-0.125 * var(--_gemma-em)) calc(-0.375 * var(--_gemma-em)) calc(-0.5 * var(--_gemma-em));
    opacity: 0;
    transition: opacity 0.12s;
  }

  [part~='message']:hover > [part='actions'],
  [part='actions']:focus-within,
  [part='actions'].last {
    opacity: 1;
  }

  [part~='action-button'] {
    min-block-size: calc(2 * var(--_gemma-em));
    min-inline-size: calc(2 * var(--_gemma-em));
    padding: calc(0.25 * var(--_gemma-em));
  }

  [part~='action-button'] .icon,
  [part~='copy-code-button'] .icon {
    inline-size: calc(1.125 * var(--_gemma-em));
    block-size: calc(1.125 * var(--_gemma-em));
  }

  [part~='action-button'][aria-pressed='true'],
  [part~='button'][data-done] {
    color: var(--_accent);
  }

  /* It was copied. */
  [part~='button'][data-done] .icon {
    scale: 0.8;
    transition: scale 0.12s;
  }

  [part~='action-button'][aria-disabled='true'],
  [part~='action-button'][aria-disabled='true']:hover:not(:disabled) {
    background: transparent;
    border-color: transparent;
    opacity: 0.5;
  }

  [part='branch'] {
    display: inline-flex;
    align-items: center;
    color: var(--_muted);
    font-size: max(12px, 0.8125 * var(--_gemma-em));
    font-variant-numeric: tabular-nums;
  }

  :dir(rtl) > [part~='previous-button'] .icon,
  :dir(rtl) > [part~='next-button'] .icon {
    scale: -1 1;
  }

  [part='edit'] {
    display: flex;
    flex-direction: column;
    gap: calc(0.5 * var(--_gemma-em));
    inline-size: min(32 * var(--_gemma-em), 80cqi);
    max-inline-size: 100%;
  }

  [part='edit'] .row {
    justify-content: flex-end;
  }

  [part~='send-edit-button'],
  [part~='send-edit-button']:hover:not(:disabled) {
    color: var(--_on-accent);
    background: var(--_accent);
  }

  [part~='cancel-edit-button'] {
    color: var(--_text);
  }

  /* Nothing hovers where there is no pointer that could. */
  @media (hover: none) {
    [part='actions'] {
      opacity: 1;
    }
  }
`;
