// The floating button of `display="launcher"`, and where it stands. Text, as the palette: the launcher's small script
// paints the same button before the element is there.

export const launcherButton = `
  /* The page may place the host; where a reset took its place, the root has one. */
  :host([display='launcher']),
  .root.launcher.loose {
    position: fixed;
    inset-block-end: max(var(--_gemma-em), env(safe-area-inset-bottom));
    inset-inline-end: max(var(--_gemma-em), env(safe-area-inset-right));
    z-index: var(--gemma-chat-z-index, 1000);
  }

  :host([display='launcher']) {
    display: block;
    inline-size: auto;
    block-size: auto;
  }

  .root.launcher {
    block-size: auto;
    min-block-size: 0;
    container: none;
    contain-intrinsic-size: none;
  }

  :host([display='launcher'][hidden]) {
    display: none;
  }

  [part~='launcher-button'] {
    position: relative;
    display: flex;
    align-items: center;
    justify-content: center;
    box-sizing: border-box;
    inline-size: auto;
    min-inline-size: max(44px, 3.5 * var(--_gemma-em));
    block-size: max(44px, 3.5 * var(--_gemma-em));
    min-block-size: 0;
    margin: 0;
    padding: 0 calc(0.9375 * var(--_gemma-em) - 1px);
    color: var(--_on-accent);
    font: inherit;
    background: var(--_accent);
    border: 1px solid transparent;
    border-radius: var(--gemma-chat-launcher-radius, calc(1.75 * var(--_gemma-em)));
    box-shadow: var(--_shadow);
    cursor: pointer;
    transition: scale 0.12s;
  }

  [part~='launcher-button']:hover {
    scale: 1.05;
  }

  [part~='launcher-button']:focus-visible {
    outline: 3px solid var(--_accent);
    outline-offset: 3px;
  }

  [part~='launcher-button'] svg,
  slot[name='icon-launcher']::slotted(*) {
    inline-size: calc(1.625 * var(--_gemma-em));
    block-size: calc(1.625 * var(--_gemma-em));
  }

  [part~='launcher-button'] slot[name='launcher-text']::slotted(*) {
    inline-size: auto;
    block-size: auto;
    margin-inline: calc(0.5 * var(--_gemma-em)) 0;
    font-size: var(--_gemma-em);
    font-weight: 600;
    white-space: nowrap;
  }

  @media (forced-colors: active) {
    [part~='launcher-button'] {
      border-color: ButtonBorder;
    }
  }

  @media (prefers-reduced-motion: reduce) {
    [part~='launcher-button'] {
      transition: none;
    }
  }
`;
